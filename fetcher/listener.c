/* SPDX-License-Identifier: MIT */
#include "fetcher/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fetcher/thread.h"
#include "shm/atomic.h"
#include "shm/knock.h"

struct listener {
    uv_poll_t heard;
    int event;     /* for the loop. In uv_async_send() the loop spins while the thread is preempted */
    uv_sem_t turn; /* the thread's; posted when the loop is done */
    pthread_t thread;
    const struct listener_role *role;
    void *context;
    _Atomic bool stopping;
    /* Of the thread while it has its turn, of the loop otherwise. */
    _Atomic uint32_t *s_knock;
    uint32_t pause_us;
    bool timed_out;
};

static void *listen_for_knocks(void *context)
{
    struct listener *listener = context;
    for (;;) {
        uv_sem_wait(&listener->turn);
        if (listener->stopping)
            return NULL;
        usleep(listener->pause_us);
        listener->timed_out = !knock_wait(listener->s_knock, LISTENER_WAIT_MS);
        eventfd_write(listener->event, 1);
    }
}

static void give_turn(struct listener *listener)
{
    listener->s_knock = listener->role->where(listener->context);
    uv_sem_post(&listener->turn);
}

static void heard(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    eventfd_t count;
    (void)status;
    (void)events;
    if (eventfd_read(listener->event, &count) != 0)
        return;
    bool knocked = knock_take(listener->role->where(listener->context));
    bool useful = knocked && listener->role->knocked(listener->context);
    if (useful || listener->timed_out)
        listener->pause_us = LISTENER_PAUSE_MIN_US;
    else if (listener->pause_us < LISTENER_PAUSE_MAX_US)
        listener->pause_us *= 2;
    give_turn(listener);
}

static void closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    close(listener->event);
    uv_sem_destroy(&listener->turn);
    free(listener);
}

struct listener *listener_start(uv_loop_t *loop, const struct listener_role *role, void *context)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return NULL;
    listener->role = role;
    listener->context = context;
    listener->pause_us = LISTENER_PAUSE_MIN_US;
    listener->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = listener->event < 0 ? errno : -uv_poll_init(loop, &listener->heard, listener->event);
    if (error != 0) {
        if (listener->event >= 0)
            close(listener->event);
        free(listener);
        errno = error;
        return NULL;
    }
    uv_sem_init(&listener->turn, 0); /* cannot fail */
    listener->heard.data = listener;
    error = -uv_poll_start(&listener->heard, UV_READABLE, heard);
    if (error == 0)
        error = thread_start(&listener->thread, listen_for_knocks, listener);
    if (error != 0) {
        uv_close((uv_handle_t *)&listener->heard, closed);
        errno = error;
        return NULL;
    }
    give_turn(listener);
    return listener;
}

/* Where the knock no longer reaches the thread, it ends within LISTENER_WAIT_MS. */
void listener_stop(struct listener *listener)
{
    if (!listener)
        return;
    listener->stopping = true;
    knock(listener->role->where(listener->context));
    uv_sem_post(&listener->turn);
    pthread_join(listener->thread, NULL);
    uv_close((uv_handle_t *)&listener->heard, closed);
}
