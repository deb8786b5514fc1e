/* SPDX-License-Identifier: MIT */
#include "tools/larshm/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/clock.h"
#include "tools/larshm/grid.h"

const char *const health_states[] = {
    [STANDING_IDLE] = "idle",
    [STANDING_OVERLOADED] = "overloaded",
};

const char *const health_holds[] = {
    [HOLD_NONE] = "none",
    [HOLD_PINNED] = "pinned",
    [HOLD_DRAINED] = "drained",
};

const char *const health_reasons[REASONS] = {
    [REASON_BIRTH] = "birth",
    [REASON_ERR_RATE] = "err_rate",
    [REASON_ERR_STREAK] = "err_streak",
    [REASON_WINDOW] = "window",
    [REASON_FEW_CALLS] = "few_calls",
    [REASON_SUCC_RATE] = "succ_rate",
    [REASON_SUCC_STREAK] = "succ_streak",
    [REASON_TIMEOUT] = "timeout",
};

uint64_t health_since_unix_ms(const struct standing *standing)
{
    uint64_t tick = clock_tick(), now = clock_unix_ms();
    uint64_t age = tick > standing->since ? tick - standing->since : 0;
    return now > age ? now - age : 0;
}

static struct text reason(const struct standing *standing)
{
    struct text text, value = text_share(standing->value), limit = text_share(standing->limit);
    switch (standing->reason) {
    case REASON_ERR_RATE:
        snprintf(text.is, sizeof(text.is), "%.32s failures > %.32s", value.is, limit.is);
        break;
    case REASON_ERR_STREAK:
        snprintf(text.is, sizeof(text.is), "%" PRIu32 " failures in a row", standing->value);
        break;
    case REASON_WINDOW:
        snprintf(text.is, sizeof(text.is), "%.32s failures >= %.32s in a window", value.is, limit.is);
        break;
    case REASON_FEW_CALLS:
        snprintf(text.is, sizeof(text.is), "%.32s failures >= %.32s in two windows of few calls", value.is,
                 limit.is);
        break;
    case REASON_SUCC_RATE:
        snprintf(text.is, sizeof(text.is), "%.32s successes > %.32s", value.is, limit.is);
        break;
    case REASON_SUCC_STREAK:
        snprintf(text.is, sizeof(text.is), "%" PRIu32 " successes in a row", standing->value);
        break;
    case REASON_TIMEOUT:
        snprintf(text.is, sizeof(text.is), "was overloaded for %" PRIu32 " s", standing->limit);
        break;
    default:
        snprintf(text.is, sizeof(text.is), "nothing has happened yet");
    }
    return text;
}

static const char *const hold_texts[] = {
    [HOLD_NONE] = "",
    [HOLD_PINNED] = "pinned by an operator",
    [HOLD_DRAINED] = "drained by an operator",
};

static bool implies_out(const struct standing *standing)
{
    return standing->hold == HOLD_DRAINED ||
           (standing->hold == HOLD_NONE && standing->state == STANDING_OVERLOADED);
}

struct text health_text(const struct standing *standing, bool out)
{
    struct text text;
    const char *hold = hold_texts[standing->hold], *state = health_states[standing->state];
    const char *mismatch = implies_out(standing) == out ? "" : out ? "; out of the turn" : "; in the turn";
    const char *between = standing->hold == HOLD_NONE ? "" : "; ";
    struct text since = text_moment(health_since_unix_ms(standing), clock_unix_ms());
    if (standing->state == STANDING_OVERLOADED || standing->reason != REASON_BIRTH)
        snprintf(text.is, sizeof(text.is), "%s%s%s since %.20s: %.80s%s", hold, between, state, since.is,
                 reason(standing).is, mismatch);
    else
        snprintf(text.is, sizeof(text.is), "%s%s", standing->hold == HOLD_NONE ? state : hold, mismatch);
    return text;
}

bool health_has_news(const struct route *route, const struct known_hosts *known)
{
    size_t count;
    known_hosts_of(known, route_key(route->modid, route->cmdid), &count);
    return count > 0 || route_count_out(route) > 0;
}

static void add_host(struct grid *grid, struct host host, const struct standing *standing, bool out,
                     bool readable)
{
    static const struct standing nothing;
    if (!standing && (out || !readable))
        grid_row(grid, (const char *[]){text_host(host).is, "-", "-", out ? "out of the turn" : "-"}, NULL);
    else if (!standing)
        grid_row(grid, (const char *[]){text_host(host).is, "0", "0", health_text(&nothing, false).is}, NULL);
    else
        grid_row(grid,
                 (const char *[]){text_host(host).is, text_count(standing->total_succ).is,
                                  text_count(standing->total_err).is, health_text(standing, out).is},
                 NULL);
}

char *health_table(const struct route *route, const struct known_hosts *known, const char *indent)
{
    static const struct grid_column columns[] = {
        {"HOST", false}, {"SUCCESSES", true}, {"FAILURES", true}, {"HEALTH", false}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    uint64_t key = route_key(route->modid, route->cmdid);
    for (uint32_t at = 0; at < route->host_count; at++)
        add_host(grid, route->hosts[at], known_hosts_find(known, key, route->hosts[at]),
                 route_host_out(route, at), known->readable);
    return grid_text(grid, indent);
}
