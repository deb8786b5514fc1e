/* SPDX-License-Identifier: MIT */
/*
 * Keeps liburcu from what would end or block the program.
 *
 * It aborts where the kernel refuses membarrier(2) after it was there at first, where it finds no memory for another
 * thread, and where signals cannot be blocked. So all of that is tried before it is needed.
 *
 * It leaves one of its locks out of its fork handlers: the first that it takes when it registers a thread, and the last
 * when a registered one ends, and again when the process ends. So threads join under the lock here, which is held across a
 * fork, and the thread that forks has joined before. Threads that end cannot be held off from here: PROTOCOL.md
 * describes the remaining case. Signals are blocked while the lock is held, since a handler may fork or look up, and only
 * a fork waits for it: a lookup is a guest's then.
 */
#include "reader/rcu.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"

enum {
    /* What must be free before a thread joins. liburcu's list doubles, at 256 bytes a thread: this is enough for 8,000
     * threads at a time, and leaves some for other threads that allocate in that microsecond. */
    ROOM_BYTES = 4 << 20,
    NO_ROOM_PAUSE_MS = 10, /* no thread tries to join for so long after there was no room */
};

static pthread_mutex_t joining = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t next_join;
static _Atomic int64_t guests; /* sections of all threads that are guests */
/* In a child whose parent could not freeze liburcu: a thread that is not here may hold its locks. */
static _Atomic bool unusable;

/* What a fork in progress leaves for its end, under `joining`. */
static struct {
    sigset_t unblocked;
    bool marked;
} frozen;

static bool block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigemptyset(before);
    return pthread_sigmask(SIG_BLOCK, &all, before) == 0;
}

/* Under `joining`, signals blocked. */
static bool registered(void)
{
    if (rcu_joined())
        return true;
    void *room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        store_relaxed(&next_join, clock_tick() + NO_ROOM_PAUSE_MS);
        return false;
    }
    munmap(room, ROOM_BYTES);
    urcu_bp_register_thread();
    return true;
}

static bool join(void)
{
    if (load_relaxed(&unusable) || clock_tick() < load_relaxed(&next_join))
        return false;
    bool joined = false;
    int error = errno;
    sigset_t before;
    if (!block_signals(&before))
        return false;
    if (pthread_mutex_trylock(&joining) == 0) {
        joined = registered();
        pthread_mutex_unlock(&joining);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return joined;
}

/*
 * A guest adds before it loads the pointer to the mapping; rcu_wait() looks after the pointer was exchanged, by a
 * read-modify-write too. If the guest's came first, it is seen. If it came second, it acquires what was released there,
 * and the guest loads the new pointer. With plain loads and stores both could miss the other.
 */
void rcu_enter_slow(void)
{
    if (thread_state.guest == 0 && join()) {
        rcu_enter_joined();
        return;
    }
    thread_state.guest++;
    add_seq_cst(&guests, 1);
}

/* The release pairs with the addition in rcu_wait(): what the guest read of a mapping, it has read before it is unmapped. */
void rcu_leave_guest(void)
{
    sub_release(&guests, 1);
    thread_state.guest--;
}

/* Sections that this thread is in: of the functions that a handler has interrupted, or of another user of liburcu. */
static unsigned long nesting(void)
{
    return rcu_joined() ? URCU_TLS(urcu_bp_reader)->ctr & URCU_BP_GP_CTR_NEST_MASK : 0;
}

/* Between the try and liburcu's own call, another thread may give all threads a filter that refuses membarrier(2), once in
 * the life of a process: no process can exclude that instant. */
static bool system_allows_to_wait(void)
{
    sigset_t blocked;
    if (pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0)
        return false;
    return !urcu_bp_has_sys_membarrier || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0;
}

bool rcu_wait(void)
{
    if (load_relaxed(&unusable) || nesting() || thread_state.guest || !system_allows_to_wait())
        return false;
    urcu_bp_synchronize_rcu();
    TSAN_ANNOTATE(acquire);
    return add_seq_cst(&guests, 0) == 0;
}

/*
 * A process may have several copies of this library, each with its own fork handlers, and one liburcu, which must be frozen
 * once. They share nothing by name: modules are loaded so that their names do not meet. What they all see is the number of
 * read sections that liburcu has for the thread that forks. Each copy adds a mark, as if that many sections were entered;
 * a copy that finds marks finds liburcu frozen by this thread. Copies that have a liburcu each do not see each other's marks.
 */
#define MARK (URCU_BP_GP_CTR_PHASE >> 8)

static unsigned long marks(void)
{
    return nesting() / MARK;
}

static void add_marks(unsigned long count)
{
    urcu_bp_read_lock();
    URCU_TLS(urcu_bp_reader)->ctr += count * MARK - 1;
}

static void remove_marks(unsigned long count)
{
    URCU_TLS(urcu_bp_reader)->ctr -= count * MARK - 1;
    urcu_bp_read_unlock();
}

/*
 * While liburcu is frozen no lock is waited for: the thread that holds it may wait for liburcu. Marks must be away while it
 * is not frozen, or another thread would wait for those sections with a lock that liburcu's handler wants.
 */
static void lock_joining(void)
{
    unsigned long others = marks();
    if (others && pthread_mutex_trylock(&joining) == 0)
        return;
    if (others) {
        remove_marks(others);
        urcu_bp_after_fork_parent();
    }
    pthread_mutex_lock(&joining);
    if (others) {
        urcu_bp_before_fork();
        add_marks(others);
    }
}

/*
 * A handler that interrupted a section must not wait for liburcu's locks: their holder may wait for that section. Nor can a
 * thread without memory. Then liburcu is not frozen, and the child does without: see `unusable`.
 */
void rcu_freeze(void)
{
    sigset_t before;
    bool blocked = block_signals(&before);
    lock_joining();
    frozen.unblocked = before;
    frozen.marked = blocked && !load_relaxed(&unusable) && nesting() % MARK == 0 && registered();
    if (!frozen.marked)
        return;
    if (!marks())
        urcu_bp_before_fork();
    add_marks(1);
}

static void thaw(void (*after_fork)(void))
{
    if (frozen.marked) {
        remove_marks(1);
        if (!marks())
            after_fork();
    }
    sigset_t before = frozen.unblocked;
    pthread_mutex_unlock(&joining);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rcu_thaw_parent(void)
{
    thaw(urcu_bp_after_fork_parent);
}

void rcu_thaw_child(void)
{
    if (!frozen.marked)
        store_relaxed(&unusable, true);
    store_relaxed(&guests, thread_state.guest); /* the others stayed in the parent */
    thaw(urcu_bp_after_fork_child);
}
