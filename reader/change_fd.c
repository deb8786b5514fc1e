/* SPDX-License-Identifier: MIT */
/*
 * A thread for each handle whose program wants a descriptor: it sleeps on the doorbell, as larshm_wait_change() does, and
 * writes to an eventfd when there was a change.
 */
#include "reader/change_fd.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/change_watch.h"
#include "reader/mapping.h"
#include "reader/rcu.h"

enum {
    STACK_BYTES = 256 << 10, /* the account database may be read, to follow newer objects */
    JOIN_PAUSE_US = 100,
};

struct change_fd {
    struct change_fd *next;
    larshm *handle;
    int fd;
    dev_t device; /* of what `fd` was opened as */
    ino_t inode;
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

/* A program that closes all descriptors loses it; what has its number then is left alone. */
static bool is_open(const struct change_fd *change)
{
    struct stat now;
    return fstat(change->fd, &now) == 0 && now.st_dev == change->device && now.st_ino == change->inode;
}

static void tell(const struct change_fd *change)
{
    const uint64_t one = 1;
    /* A descriptor that takes no more is readable already. */
    while (is_open(change) && write(change->fd, &one, sizeof(one)) < 0 && errno == EINTR)
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

/* NULL, with errno: the system refused. */
static struct change_fd *create(larshm *h, const struct change_watch *watch)
{
    struct stat opened;
    struct change_fd *change = calloc(1, sizeof(*change));
    if (!change)
        return NULL;
    *change = (struct change_fd){
        .handle = h, .here = true, .count = watch->count, .generation = watch->mapping->routes.generation};
    change->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = change->fd < 0 || fstat(change->fd, &opened) != 0 ? errno : 0;
    if (!error) {
        change->device = opened.st_dev;
        change->inode = opened.st_ino;
        error = start_thread(change);
    }
    if (!error)
        return change;
    if (change->fd >= 0)
        close(change->fd);
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
    int error = errno, code = change ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
    if (change)
        *fd = change->fd;
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
        usleep(JOIN_PAUSE_US);
        mapping_wake(change->handle);
    }
}

void change_fd_close(larshm *h)
{
    struct change_fd *change;
    while ((change = take(h)) != NULL) {
        if (change->here)
            end_thread(change);
        if (is_open(change))
            close(change->fd);
        free(change);
    }
}

void change_fd_prepare(void)
{
    pthread_mutex_lock(&lock);
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
