/* SPDX-License-Identifier: MIT */
#include "tools/larshm/host_health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "shm/clock.h"
#include "tools/common/grid.h"

const char *const health_states[] = {
    [HOST_IN_ROTATION] = "idle",
    [HOST_EJECTED] = "overloaded",
};

const char *const health_overrides[] = {
    [OVERRIDE_NONE] = "none",
    [OVERRIDE_PINNED] = "pinned",
    [OVERRIDE_DRAINED] = "drained",
};

const char *const health_reasons[REASONS] = {
    [REASON_BIRTH] = "birth",     [REASON_ERR_RATE] = "err_rate",       [REASON_ERR_STREAK] = "err_streak",
    [REASON_WINDOW] = "window",   [REASON_SUCC_RATE] = "succ_rate",     [REASON_SUCC_STREAK] = "succ_streak",
    [REASON_TIMEOUT] = "timeout", [REASON_GOOD_WINDOW] = "good_window",
};

uint64_t health_since_unix_ms(const struct host_health *health)
{
    uint64_t age = host_health_age_ms(health, clock_tick()), now = clock_unix_ms();
    return now > age ? now - age : 0;
}

uint64_t health_until_unix_ms(const struct host_health *health)
{
    bool ejected = health->state == HOST_EJECTED && health->window > health->since;
    return ejected ? health_since_unix_ms(health) + (health->window - health->since) : 0;
}

static struct text until(const struct host_health *health)
{
    struct text text = {""};
    uint64_t end = health_until_unix_ms(health);
    if (end && health->level > 1)
        snprintf(text.is, sizeof(text.is), "; until %.20s, ejection %" PRIu16 " in a row",
                 text_moment(end, clock_unix_ms()).is, health->level);
    else if (end)
        snprintf(text.is, sizeof(text.is), "; until %.20s", text_moment(end, clock_unix_ms()).is);
    return text;
}

static struct text reason(const struct host_health *health)
{
    struct text text, value = text_share(health->value), limit = text_share(health->limit);
    switch (health->reason) {
    case REASON_ERR_RATE:
        snprintf(text.is, sizeof(text.is), "%.32s failures > %.32s", value.is, limit.is);
        break;
    case REASON_ERR_STREAK:
        snprintf(text.is, sizeof(text.is), "%" PRIu32 " failure%s in a row", health->value,
                 number_plural(health->value));
        break;
    case REASON_WINDOW:
        snprintf(text.is, sizeof(text.is), "%.32s failures >= %.32s in a window", value.is, limit.is);
        break;
    case REASON_GOOD_WINDOW:
        snprintf(text.is, sizeof(text.is), "%.32s failures <= %.32s in a window", value.is, limit.is);
        break;
    case REASON_SUCC_RATE:
        snprintf(text.is, sizeof(text.is), "%.32s successes > %.32s", value.is, limit.is);
        break;
    case REASON_SUCC_STREAK:
        snprintf(text.is, sizeof(text.is), "%" PRIu32 " success%s in a row", health->value,
                 health->value == 1 ? "" : "es");
        break;
    case REASON_TIMEOUT:
        snprintf(text.is, sizeof(text.is), "was overloaded for %" PRIu32 " s", health->limit);
        break;
    default:
        snprintf(text.is, sizeof(text.is), "no calls yet");
    }
    return text;
}

static const char *const override_texts[] = {
    [OVERRIDE_NONE] = "",
    [OVERRIDE_PINNED] = "pinned by an operator",
    [OVERRIDE_DRAINED] = "drained by an operator",
};

static bool implies_out(const struct host_health *health)
{
    return health->override == OVERRIDE_DRAINED ||
           (health->override == OVERRIDE_NONE && health->state == HOST_EJECTED);
}

static struct text part(uint32_t share)
{
    struct text text = {""};
    if (share != SHARE_FULL && share < SHARE_EJECTED)
        snprintf(text.is, sizeof(text.is), "; %" PRIu32 "/%d of its share of picks", share, SHARE_EIGHTHS);
    return text;
}

struct text health_text(const struct host_health *health, uint32_t share)
{
    const bool out = share >= SHARE_EJECTED;
    struct text text;
    const char *override = override_texts[health->override], *state = health_states[health->state];
    const char *mismatch = implies_out(health) == out ? "" : out ? "; out of rotation" : "; in rotation";
    const char *between = health->override == OVERRIDE_NONE ? "" : "; ";
    const char *spared = host_health_is_spared(health) ? "spared after " : "";
    struct text since = text_moment(health_since_unix_ms(health), clock_unix_ms());
    if (health->state == HOST_EJECTED || health->reason != REASON_BIRTH)
        snprintf(text.is, sizeof(text.is), "%s%s%s since %.20s: %s%.50s%.50s%.30s%s", override, between,
                 state, since.is, spared, reason(health).is, until(health).is, part(share).is, mismatch);
    else
        snprintf(text.is, sizeof(text.is), "%s%s", health->override == OVERRIDE_NONE ? state : override,
                 mismatch);
    return text;
}

bool health_is_known(const struct route *route, const struct known_hosts *known)
{
    size_t count;
    known_hosts_of(known, route->key, &count);
    return count > 0 || route_count_out(route) > 0;
}

enum tint health_tint(const struct host_health *health, uint32_t share)
{
    if (share >= SHARE_EJECTED)
        return health && health->override == OVERRIDE_DRAINED ? TINT_WARNING : TINT_TROUBLE;
    if (health && (health->override != OVERRIDE_NONE || host_health_is_spared(health)))
        return TINT_WARNING;
    return TINT_NONE;
}

static void add_host(struct grid *grid, struct host_addr host, const struct host_health *health,
                     uint32_t share, bool readable)
{
    const bool out = share >= SHARE_EJECTED;
    static const struct host_health nothing;
    if (!health && (out || !readable))
        grid_row(grid, (const char *[]){text_host(host).is, "-", "-", out ? "out of rotation" : "-"}, NULL);
    else if (!health)
        grid_row(grid, (const char *[]){text_host(host).is, "0", "0", health_text(&nothing, SHARE_FULL).is},
                 NULL);
    else
        grid_row(grid,
                 (const char *[]){text_host(host).is, text_count(health->total_succ).is,
                                  text_count(health->total_err).is, health_text(health, share).is},
                 NULL);
    grid_tint(grid, 3, health_tint(health, share));
}

char *health_table(const struct route *route, const struct known_hosts *known, const char *indent)
{
    static const struct grid_column columns[] = {
        {"HOST", GRID_LEFT}, {"SUCCESSES", GRID_RIGHT}, {"FAILURES", GRID_RIGHT}, {"HEALTH", GRID_FOLD}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    struct route_key key = route->key;
    for (uint32_t at = 0; at < route->host_count; at++)
        add_host(grid, route->hosts[at], known_hosts_find(known, key, route->hosts[at]),
                 route_host_share(route, at), known->readable);
    return grid_text(grid, indent);
}
