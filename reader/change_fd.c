/* SPDX-License-Identifier: MIT */
/*
 * A thread for each handle whose program wants a descriptor: it sleeps on the doorbell, as larshm_wait_change() does, and
 * writes to a pipe when there was a change.
 */
#include "reader/change_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/change_watch.h"
#include "reader/mapping.h"
#include "reader/rcu.h"
#include "shm/descriptor.h"

enum {
    STACK_BYTES = 256 << 10, /* the account database may be read, to follow newer objects */
    PAUSE_US = 100,
};

struct change_fd {
    struct change_fd *next;
    larshm *handle;
    int ends[2];  /* of a pipe: the program reads from the first, the thread writes to the other */
    dev_t device; /* of the pipe, and */
    ino_t inode;  /* of no other file; eventfds have theirs in common with much else */
    pthread_t thread;
    bool here;                        /* false: the thread has stayed in the process that forked */
    _Atomic bool stop;                /* the thread shall end */
    uint64_t count;                   /* of changes, and */
    uint64_t generation;              /* which: what the descriptor has told of */
    _Atomic(struct mapping *) pinned; /* by the thread */
};

/* All of the process. The lock is held across a fork, and with signals blocked: a handler that forked would wait for the
 * thread that it interrupted. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct change_fd *all;

/* A program that closes all descriptors loses them; what has their numbers then is left alone. */
static bool is_open(const struct change_fd *change, int end)
{
    struct stat now;
    return fstat(end, &now) == 0 && now.st_dev == change->device && now.st_ino == change->inode;
}

/* Where the program has not read what is there, it has not looked yet, and will find this change, too. So the pipe never holds more
 * than one event. */
static void tell(const struct change_fd *change)
{
    const uint64_t one = 1;
    int unread = 0;
    if (!is_open(change, change->ends[1]) || (ioctl(change->ends[1], FIONREAD, &unread) == 0 && unread > 0))
        return;
    while (write(change->ends[1], &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* What the thread does between two looks: nothing, where nothing has changed. */
static void sleep_or_tell(struct change_fd *change, const struct change_watch *watch)
{
    larshm *h = change->handle;
    uint64_t generation = watch->mapping->routes.generation;
    if (watch->count != change->count || generation != change->generation) {
        change->count = watch->count;
        change->generation = generation;
        tell(change);
        return;
    }
    store_release(&h->asleep_at, watch->mapping->routes.s_header);
    if (!load_acquire(&change->stop))
        change_watch_sleep(h, watch, mapping_wake_bit(h), UINT64_MAX);
    store_release(&h->asleep_at, NULL);
}

static void *follow(void *context)
{
    struct change_fd *change = context;
    pthread_setname_np(pthread_self(), "larshm-changes");
    rcu_stay_guest();
    while (!load_acquire(&change->stop)) {
        struct change_watch watch;
        change_watch_begin(change->handle, &watch);
        store_relaxed(&change->pinned, watch.mapping);
        sleep_or_tell(change, &watch);
        store_relaxed(&change->pinned, NULL);
        change_watch_end(change->handle, &watch);
    }
    return NULL;
}

/* On the default stack where the program's thread-local variables leave no room on a small one. */
static int start_thread(struct change_fd *change)
{
    pthread_attr_t small;
    int error = pthread_attr_init(&small);
    if (error)
        return error;
    pthread_attr_setstacksize(&small, STACK_BYTES);
    error = pthread_create(&change->thread, &small, follow, change);
    pthread_attr_destroy(&small);
    return error == EINVAL ? pthread_create(&change->thread, NULL, follow, change) : error;
}

/* 0, or the number of an error; what is open then is in `ends`. */
static int open_pipe(struct change_fd *change)
{
    struct stat opened;
    int ends[2], error = 0;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++) {
        change->ends[i] = descriptor_above_standard(ends[i]);
        if (change->ends[i] < 0 || fstat(change->ends[i], &opened) != 0)
            error = errno;
        else {
            change->device = opened.st_dev;
            change->inode = opened.st_ino;
        }
    }
    return error;
}

/* NULL, with errno: the system refused. */
static struct change_fd *create(larshm *h, const struct change_watch *watch)
{
    struct change_fd *change = calloc(1, sizeof(*change));
    if (!change)
        return NULL;
    *change = (struct change_fd){.handle = h,
                                 .ends = {-1, -1},
                                 .here = true,
                                 .count = watch->count,
                                 .generation = watch->mapping->routes.generation};
    int error = open_pipe(change);
    if (!error)
        error = start_thread(change);
    if (!error)
        return change;
    for (int i = 0; i < 2; i++)
        if (change->ends[i] >= 0)
            close(change->ends[i]);
    free(change);
    errno = error;
    return NULL;
}

static struct change_fd *find(const larshm *h)
{
    struct change_fd *change = all;
    while (change && !(change->handle == h && change->here))
        change = change->next;
    return change;
}

static sigset_t enter(void)
{
    sigset_t blocked, before;
    sigfillset(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    pthread_mutex_lock(&lock);
    return before;
}

static void leave(const sigset_t *before)
{
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* The look comes before the lock: it may wait for read sections, and those for a fork, which waits for the lock. */
int larshm_change_fd(larshm *h, int *fd)
{
    struct change_watch watch;
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    change_watch_begin(h, &watch);
    sigset_t before = enter();
    struct change_fd *change = find(h);
    if (!change) {
        change = create(h, &watch);
        if (change) {
            change->next = all;
            all = change;
        }
    }
    if (change && !is_open(change, change->ends[0])) {
        change = NULL;
        errno = EBADF;
    }
    int error = errno, code = change ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
    if (change)
        *fd = change->ends[0];
    leave(&before);
    change_watch_end(h, &watch);
    pthread_setcancelstate(state, NULL);
    errno = error;
    return code;
}

/* Takes one of the handle's out of the list: its own, or one of a process that it was forked from. */
static struct change_fd *take(const larshm *h)
{
    sigset_t before = enter();
    struct change_fd **at = &all;
    while (*at && (*at)->handle != h)
        at = &(*at)->next;
    struct change_fd *change = *at;
    if (change)
        *at = change->next;
    leave(&before);
    return change;
}

/* A wake that comes just before the thread sleeps is lost, so there is another one. */
static void end_thread(struct change_fd *change)
{
    store_release(&change->stop, true);
    mapping_wake(change->handle);
    while (pthread_tryjoin_np(change->thread, NULL) == EBUSY) {
        usleep(PAUSE_US);
        mapping_wake(change->handle);
    }
}

void change_fd_close(larshm *h)
{
    struct change_fd *change;
    while ((change = take(h)) != NULL) {
        if (change->here)
            end_thread(change);
        for (int i = 0; i < 2; i++)
            if (is_open(change, change->ends[i]))
                close(change->ends[i]);
        free(change);
    }
}

/* Other copies of the library in the process take theirs in an order of their own, beside the locks of liburcu, which they
 * share. By tries, this lock is last in any order; it is held for no longer than a thread takes to be made. */
void change_fd_prepare(void)
{
    while (pthread_mutex_trylock(&lock) == EBUSY)
        usleep(PAUSE_US);
}

void change_fd_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* What the threads had pinned, no thread unpins here. */
void change_fd_child(void)
{
    for (struct change_fd *change = all; change; change = change->next) {
        struct mapping *pinned = load_relaxed(&change->pinned);
        if (change->here && pinned)
            mapping_drop_pin(pinned);
        store_relaxed(&change->handle->asleep_at, NULL);
        change->here = false;
    }
    pthread_mutex_unlock(&lock);
}
