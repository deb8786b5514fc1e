/* SPDX-License-Identifier: MIT */
#include "fetcher/name_check.h"

#include "conf/log.h"

static void check_next(struct name_check *check);

static void looked_up(void *context, const char *error, struct addrinfo *list)
{
    struct name_check *check = context;
    check->lookup = NULL;
    if (list)
        freeaddrinfo(list);
    if (error && !servers_same(&check->peer, servers_peer(check->servers))) {
        servers_unusable(check->servers, &check->peer, error);
        log_line(LOG_LEVEL_WARNING, "directory %s:%u: %s: is the name right?", check->peer.ip,
                 check->peer.port, error);
    }
    check_next(check);
}

/* An address is there at once: then this is called by itself, as many times as there are servers at most. */
static void check_next(struct name_check *check)
{
    if (check->next >= check->servers->count)
        return;
    check->peer = check->servers->list[check->next++].peer;
    name_lookup_start(&check->lookup, check->loop, &check->peer, looked_up, check);
}

void name_check_start(struct name_check *check, uv_loop_t *loop, struct servers *servers)
{
    name_check_stop(check);
    *check = (struct name_check){.loop = loop, .servers = servers};
    if (servers->count > 1)
        check_next(check);
}

void name_check_stop(struct name_check *check)
{
    name_lookup_abandon(check->lookup);
    check->lookup = NULL;
}
