/* SPDX-License-Identifier: MIT */
#include "fetcher/admin_refresh.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

struct waiting_admin {
    struct refresh_wait wait; /* first: it is what done() gets */
    struct refresh *refresh;
    struct admin_rest *rest;
};

static char *refusal(struct route_key key, enum refresh_result result)
{
    struct admin_error error;
    switch (result) {
    case REFRESH_NO_ROOM:
        admin_refuse(&error, "full", "no room for the answer: raise [shm] max_bytes");
        break;
    case REFRESH_REFUSED:
        admin_refuse(&error, "refused",
                     "the answer for route %" PRIu32 "/%" PRIu32
                     " is refused, and its hosts stay as they are: the log says why",
                     key.modid, key.cmdid);
        break;
    case REFRESH_CUT_OFF:
        admin_refuse(&error, "not_connected",
                     "the connection to the directory has ended before the answer came");
        break;
    default:
        admin_refuse(&error, "timed_out",
                     "the directory has not answered for route %" PRIu32 "/%" PRIu32 " within %d s",
                     key.modid, key.cmdid, REFRESH_WAIT_MS / 1000);
        break;
    }
    return admin_error_answer(&error);
}

static char *answer(const struct refresh_outcome *outcome)
{
    static const char *const names[] = {[REFRESH_UNCHANGED] = "unchanged",
                                        [REFRESH_CHANGED] = "changed",
                                        [REFRESH_CACHED] = "cached",
                                        [REFRESH_NONE] = "none",
                                        [REFRESH_HELD] = "held"};
    json_t *root = json_pack("{s:i, s:b, s:s, s:I, s:I, s:I}", "version", ADMIN_VERSION, "ok", 1, "result",
                             names[outcome->result], "hosts", (json_int_t)outcome->hosts, "added",
                             (json_int_t)outcome->added, "removed", (json_int_t)outcome->removed);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static void done(struct refresh_wait *wait, const struct refresh_outcome *outcome)
{
    struct waiting_admin *waiting = (struct waiting_admin *)wait;
    admin_server_answer(waiting->rest, outcome->result <= REFRESH_HELD ? answer(outcome)
                                                                       : refusal(wait->key, outcome->result));
    free(waiting);
}

static void leave(struct admin_rest *rest)
{
    struct waiting_admin *waiting = rest->arg;
    refresh_leave_wait(waiting->refresh, &waiting->wait);
    free(waiting);
}

bool admin_refresh(struct refresh *refresh, struct route_key key, struct admin_rest *rest,
                   struct admin_error *error)
{
    if (route_key_is_none(key) || refresh_is_version_row(refresh, key))
        return admin_refuse(error, "bad_request", "%" PRIu32 "/%" PRIu32 " is no route", key.modid,
                            key.cmdid);
    struct waiting_admin *waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return admin_refuse(error, "busy", "out of memory");
    *waiting = (struct waiting_admin){.wait = {.key = key, .done = done}, .refresh = refresh, .rest = rest};
    *rest = (struct admin_rest){.later = true, .drop = leave, .arg = waiting};
    if (refresh_begin_wait(refresh, &waiting->wait))
        return true;
    free(waiting);
    *rest = (struct admin_rest){.later = false};
    return admin_refuse(error, "not_connected",
                        "the fetcher is not connected to the directory, so it cannot request a route");
}
