/* SPDX-License-Identifier: MIT */
/*
 * No way back in time: a directory that says that its routes are older than what was seen. What it changes is held
 * back, and the next server is tried, in ever longer rounds. The hold ends when one is as new again; or, when all have
 * been older for behind_hold, with the newest of those that were there.
 *
 * Lars' own directory tells no version. There the row of a route may: it is requested first on each connection, as answers
 * come in order, and now and then; or only once, where answers tell their version themselves.
 */
#include <arpa/inet.h>
#include <inttypes.h>

#include "fetcher/backoff.h"
#include "fetcher/refresh_internal.h"

enum {
    FIRST_STAY_MS = 1000,
    LAST_STAY_MS = 8000,
    ROW_MS = 5000,
};

static const struct route_key version_row = {.modid = UINT32_MAX, .cmdid = 0};

bool refresh_is_version_row(const struct refresh *refresh, struct route_key key)
{
    return route_key_equal(key, version_row) && connection_servers(refresh->connection)->count > 1;
}

bool refresh_version_row_due(const struct refresh *refresh)
{
    return refresh->now >= refresh->row_due && connection_servers(refresh->connection)->count > 1;
}

void refresh_version_row_requested(struct refresh *refresh)
{
    refresh->row_due = refresh->now + ROW_MS;
}

void refresh_forget_version_row(struct refresh *refresh)
{
    refresh->row_known = false;
    refresh->row_due = 0;
}

uint64_t refresh_behind_ends(const struct refresh *refresh)
{
    return refresh->behind_since + refresh->config->fetcher.behind_hold * UINT64_C(1000);
}

/* Held answers are those of directories that are behind: every route is requested again. */
static void end_hold(struct refresh *refresh, uint64_t version)
{
    refresh->behind_since = refresh->leave_at = 0;
    refresh->refused = (struct refused){0};
    refresh->resubscribe = 0;
    refresh->resubscribe_from = refresh->now;
    writer_set_data_version(refresh->writer, version);
    writer_gauge(refresh->writer, COUNTER_behind, 0);
}

/* In the first round each server is left at once; later on it may still catch up, or have routes that are new here. */
static void stay(struct refresh *refresh)
{
    unsigned rounds = servers_rounds(connection_servers(refresh->connection));
    refresh->leave_at = refresh->now + (rounds ? backoff_ms(FIRST_STAY_MS, LAST_STAY_MS, rounds) : 0);
}

void refresh_take_version_row(struct refresh *refresh, struct answer *answer)
{
    if (answer->has_version)
        refresh->row_due = UINT64_MAX;
    refresh->row_known = answer->count == 1 && !answer->has_version;
    if (refresh->row_known)
        refresh->row_version = ntohl(answer->hosts[0].address);
    if (!refresh_judge_version(refresh, answer))
        connection_proved(refresh->connection);
}

bool refresh_judge_version(struct refresh *refresh, struct answer *answer)
{
    const uint64_t seen = writer_data_version(refresh->writer);
    if (!answer->has_version && refresh->row_known) {
        answer->has_version = true;
        answer->version = refresh->row_version;
    }
    if (!answer->has_version)
        return refresh->behind_since && refresh->leave_at;
    servers_told(connection_servers(refresh->connection), answer->version);
    if (answer->version >= seen || refresh->config->fetcher.behind_hold == 0) {
        if (refresh->behind_since) {
            log_limited(&refresh->caught_up_limit, LOG_LEVEL_INFO,
                        "directory %s has caught up, with version %" PRIu64,
                        connection_address(refresh->connection), answer->version);
            end_hold(refresh, answer->version);
        } else if (answer->version != seen)
            writer_set_data_version(refresh->writer, answer->version);
        return false;
    }
    if (refresh->leave_at == 0)
        stay(refresh);
    if (refresh->behind_since == 0) {
        refresh->behind_since = refresh->now;
        writer_gauge(refresh->writer, COUNTER_behind, 1);
        log_limited(&refresh->behind_limit, LOG_LEVEL_WARNING,
                    "holding: the directory is behind: %s has version %" PRIu64 ", and %" PRIu64
                    " was seen; what it changes counts if none is newer for %" PRIu32
                    " s, or after `larshm route accept --all`",
                    connection_address(refresh->connection), answer->version, seen,
                    refresh->config->fetcher.behind_hold);
    }
    return true;
}

void refresh_take_newest(struct refresh *refresh)
{
    uint64_t version, seen = writer_data_version(refresh->writer);
    if (refresh->behind_since == 0)
        return;
    bool up = writer_connection_state(refresh->writer) == CONNECTION_UP;
    bool other = servers_use_newest(connection_servers(refresh->connection), &version);
    const struct config_peer *peer = servers_peer(connection_servers(refresh->connection));
    log_line(LOG_LEVEL_WARNING,
             "no directory is newer: going back from version %" PRIu64 " to %" PRIu64 ", which %s:%u has",
             seen, version, peer->ip, peer->port);
    end_hold(refresh, version);
    if (other || !up)
        connection_redirect(refresh->connection);
}

void refresh_follow_behind(struct refresh *refresh)
{
    if (refresh->behind_since == 0)
        return;
    if (refresh->now >= refresh_behind_ends(refresh))
        refresh_take_newest(refresh);
    else if (refresh->leave_at && refresh->now >= refresh->leave_at &&
             connection_servers(refresh->connection)->count > 1)
        connection_drop(refresh->connection, "it is behind");
}
