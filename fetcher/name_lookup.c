/* SPDX-License-Identifier: MIT */
#include "fetcher/name_lookup.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/system_error.h"

struct name_lookup {
    uv_async_t ended; /* sent by the thread as the last thing it does */
    pthread_t thread;
    struct config_peer peer;
    name_lookup_done *done; /* NULL: abandoned */
    void *context;
    int code, error; /* as getaddrinfo() returns them */
    struct addrinfo *list;
};

static int addresses(const struct config_peer *peer, int flags, struct addrinfo **list)
{
    const struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    snprintf(service, sizeof(service), "%u", peer->port);
    return getaddrinfo(peer->ip, service, &hints, list);
}

static void *look_up(void *context)
{
    struct name_lookup *lookup = context;
    lookup->code = addresses(&lookup->peer, 0, &lookup->list);
    lookup->error = errno;
    uv_async_send(&lookup->ended);
    return NULL;
}

static void closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void ended(uv_async_t *async)
{
    struct name_lookup *lookup = async->data;
    if (lookup->done)
        pthread_join(lookup->thread, NULL);
    if (lookup->code == 0 && !lookup->done)
        freeaddrinfo(lookup->list);
    else if (lookup->code == 0)
        lookup->done(lookup->context, NULL, lookup->list);
    else if (lookup->done)
        lookup->done(
            lookup->context,
            lookup->code == EAI_SYSTEM ? system_error_text(lookup->error) : gai_strerror(lookup->code), NULL);
    uv_close((uv_handle_t *)async, closed);
}

/* Returns 0, or an errno. */
static int start_thread(struct name_lookup *lookup, uv_loop_t *loop)
{
    int error = uv_async_init(loop, &lookup->ended, ended);
    if (error != 0) {
        free(lookup);
        return -error;
    }
    lookup->ended.data = lookup;
    error = pthread_create(&lookup->thread, NULL, look_up, lookup);
    if (error != 0)
        uv_close((uv_handle_t *)&lookup->ended, closed);
    return error;
}

void name_lookup_start(struct name_lookup **out, uv_loop_t *loop, const struct config_peer *peer,
                       name_lookup_done *done, void *context)
{
    struct addrinfo *list;
    *out = NULL;
    if (addresses(peer, AI_NUMERICHOST, &list) == 0) {
        done(context, NULL, list);
        return;
    }
    struct name_lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup) {
        done(context, "out of memory", NULL);
        return;
    }
    *lookup = (struct name_lookup){.peer = *peer, .done = done, .context = context};
    int error = start_thread(lookup, loop);
    if (error == 0) {
        *out = lookup;
        return;
    }
    char text[256];
    snprintf(text, sizeof(text), "no thread to look the name up: %s", system_error_thread_text(error));
    done(context, text, NULL);
}

void name_lookup_abandon(struct name_lookup *lookup)
{
    if (!lookup)
        return;
    lookup->done = NULL;
    pthread_detach(lookup->thread);
}
