/* SPDX-License-Identifier: MIT */
/*
 * Keeps liburcu from what would end or block the program.
 *
 * It aborts where the kernel refuses membarrier(2) after it was there at first, where it finds no memory for
 * another thread, and where signals cannot be blocked. So all of that is tried before it is needed.
 *
 * Its fork handlers leave out one of its locks, which it takes when it registers a thread, when a registered thread
 * ends, and when the process ends. If another thread held that lock during a fork, it would stay locked in the
 * child. So threads register under `joining`, which is held across a fork, and the thread that forks is registered
 * before. Threads that end during a fork cannot be kept from it by this library: PROTOCOL.md says what such a child
 * may do.
 *
 * Only a fork waits for `joining`; a lookup that finds it taken is a guest. Signals are blocked while it is held,
 * since a handler that forks would wait for the thread that it interrupted.
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
    /* What it must be possible to map before a thread joins. liburcu's list doubles, at 256 bytes a thread: this is
     * enough for 8,000 threads at a time, and for what other threads allocate in that microsecond. */
    ROOM_BYTES = 4 << 20,
    NO_ROOM_PAUSE_MS = 10, /* no thread tries to join for so long after there was no room */
};

static pthread_mutex_t joining = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t next_join;
static _Atomic int64_t guests; /* sections of all threads that are guests */
/* In the child of a fork that could not freeze liburcu: a thread of the parent may hold its locks. */
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

/* Registers the thread, unless it is already. Under `joining`, signals blocked. */
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
 * A guest adds 1 to `guests`, then loads the pointer to the mapping. Another thread exchanges the pointer, then
 * rcu_wait() adds 0 to `guests`. One of the two additions comes first. If it is the guest's, rcu_wait() sees the
 * guest. If not, the guest's acquires what that of rcu_wait() released, and the guest loads the new pointer. With a
 * plain store and a plain load each could miss the other, and the guest would read a mapping that is being
 * unmapped.
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

/* As if it were in a guest's section that is not counted: those in it never join. */
void rcu_stay_guest(void)
{
    thread_state.guest++;
}

/* The release pairs with the addition in rcu_wait(): what the guest read of a mapping, it has read before it is
 * unmapped. */
void rcu_leave_guest(void)
{
    sub_release(&guests, 1);
    thread_state.guest--;
}

/* Read sections that this thread is in: those of a lookup that the running signal handler interrupted, or of other
 * code of the program that uses liburcu. */
static unsigned long nesting(void)
{
    return rcu_joined() ? URCU_TLS(urcu_bp_reader)->ctr & URCU_BP_GP_CTR_NEST_MASK : 0;
}

/* Tries the system calls for whose failure liburcu aborts. What is left is a thread that makes all threads enter a
 * sandbox between this and liburcu's own call: a process cannot exclude that. */
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
 * A process may have several copies of this library, in modules that were linked with the static one, and a single
 * liburcu. Each copy has fork handlers, but liburcu must be frozen once. The copies have no variable in common,
 * since a module's symbols are its own. What all of them see is liburcu's count of the read sections that this
 * thread is in. So each copy adds a mark to it, a number of sections that no thread reaches, and takes it away
 * after the fork. A copy that finds marks finds liburcu frozen. Copies with a liburcu each do not see each other's
 * marks, and freeze their own.
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
 * Takes `joining`, also where another copy has frozen liburcu. A thread that holds `joining` may be waiting for
 * liburcu then, so waiting for that thread would be a deadlock: liburcu is thawed, the lock taken, and liburcu
 * frozen again. Without the marks, which look like read sections: another thread would wait for those with a lock
 * that urcu_bp_before_fork() needs.
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
 * A signal handler that interrupted a read section cannot freeze liburcu: the holder of liburcu's locks may be
 * waiting for that section. Nor can a thread that could not be registered, for lack of memory. The child of such a
 * fork uses liburcu no more: see `unusable`.
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
