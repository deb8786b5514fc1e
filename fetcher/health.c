/* SPDX-License-Identifier: MIT */
#include "fetcher/health.h"

#include <stdbool.h>

#include "shm/saturating.h"

/* Why a host changed its state. */
struct cause {
    enum health_reason reason;
    uint32_t value, limit;
};

static bool plays_lars(const struct config *config)
{
    return config->loadbalance.rules == RULES_LARS;
}

/* `count` of `count` + `others`. Divided, not multiplied: 20 of 200 is exactly 0.1, which is not above 0.1. */
static double share(uint32_t count, uint32_t others)
{
    return (double)count / ((double)count + (double)others);
}

/*
 * A share and the limit that it passed, as parts of 10,000: the share rounded up and the limit down, so that what is
 * above reads as above. Configured limits have at most 9 decimals: half of the last one corrects binary rounding.
 */
static struct cause rate_cause(enum health_reason reason, uint32_t count, uint32_t others, double limit)
{
    uint64_t all = (uint64_t)count + others;
    return (struct cause){
        .reason = reason,
        .value = (uint32_t)((UINT64_C(10000) * count + all - 1) / all),
        .limit = (uint32_t)(limit * 10000 + 0.000005),
    };
}

static void begin_counts(struct host_health *health, uint32_t vsucc, uint32_t verr, uint64_t now)
{
    health->window = now;
    health->vsucc = vsucc;
    health->verr = verr;
    health->rsucc = health->rerr = 0;
    health->contin_succ = health->contin_err = 0;
}

/* Of a host in rotation: failures, slow ones as often as they count, without the credit that it began with. */
static uint16_t badness(const struct host_health *health)
{
    uint64_t all = (uint64_t)health->verr + health->rsucc;
    uint64_t parts = all ? UINT64_C(10000) * health->verr / all : 0;
    return (uint16_t)parts;
}

/* So many seconds an ejection lasts. */
static uint32_t ejection_s(uint32_t level, const struct config *config)
{
    uint64_t wanted = (uint64_t)config->loadbalance.overload_timeout * (level > 1 ? level : 1);
    uint32_t longest = health_longest_ejection_s(config);
    return wanted < longest ? (uint32_t)wanted : longest;
}

/* In rotation never more than make the longest ejection, so that they are as soon forgotten. */
static uint32_t level(const struct host_health *health, const struct config *config, uint64_t now)
{
    uint32_t once = config->loadbalance.overload_timeout;
    uint32_t most = (health_longest_ejection_s(config) + once - 1) / once;
    uint64_t steps = (now - health->since) / (UINT64_C(1000) * once);
    if (plays_lars(config))
        return 0;
    if (health->state == HOST_EJECTED)
        return health->level;
    uint32_t ejections = health->level < most ? health->level : most;
    return steps < ejections ? ejections - (uint32_t)steps : 0;
}

static void become(struct host_health *health, enum host_state state, struct cause cause,
                   const struct config *config, uint64_t now)
{
    health->badness = state == HOST_EJECTED ? badness(health) : 0;
    uint32_t before = level(health, config, now);
    health->level = (uint16_t)(before + (state == HOST_EJECTED && before < UINT16_MAX));
    if (state == HOST_IN_ROTATION)
        begin_counts(health, config->loadbalance.init_succ_cnt, 0, now);
    else
        begin_counts(health, 0, config->loadbalance.init_err_cnt, now);
    health->since = now;
    health->value = cause.value;
    health->limit = cause.limit;
    health->state = (uint8_t)state;
    health->reason = (uint8_t)cause.reason;
    health_set_end(health, config);
}

uint32_t health_longest_ejection_s(const struct config *config)
{
    uint32_t once = config->loadbalance.overload_timeout, most = config->loadbalance.max_overload_timeout;
    return plays_lars(config) || most < once ? once : most;
}

void health_set_end(struct host_health *health, const struct config *config)
{
    if (health->state == HOST_EJECTED)
        health->window = health->since + UINT64_C(1000) * ejection_s(health->level, config);
}

void health_init(struct host_health *health, const struct config *config, uint64_t now)
{
    health->level = 0;
    health->state = HOST_IN_ROTATION;
    become(health, HOST_IN_ROTATION, (struct cause){REASON_BIRTH, 0, 0}, config, now);
}

static void add(struct host_health *health, const struct call_batch *batch)
{
    health->total_succ = saturating_add(health->total_succ, batch->succ);
    health->total_err = saturating_add(health->total_err, batch->err);
    health->vsucc = saturating_add32(health->vsucc, batch->succ);
    health->verr = saturating_add32(saturating_add32(health->verr, batch->err), batch->extra);
    health->rsucc = saturating_add32(health->rsucc, batch->succ);
    health->rerr = saturating_add32(health->rerr, batch->err);
    health->contin_succ = batch->succ ? batch->succ_run : 0;
    health->contin_err = batch->err ? batch->err_run : 0;
}

static bool fails(const struct host_health *health, const struct config *config, struct cause *out)
{
    double err_rate = config->loadbalance.err_rate;
    uint32_t err_limit = config->loadbalance.contin_err_limit;
    if (share(health->verr, health->vsucc) > err_rate)
        *out = rate_cause(REASON_ERR_RATE, health->verr, health->vsucc, err_rate);
    else if (health->contin_err >= err_limit)
        *out = (struct cause){REASON_ERR_STREAK, health->contin_err, err_limit};
    else
        return false;
    return true;
}

static bool recovers(const struct host_health *health, const struct config *config, struct cause *out)
{
    bool lars = plays_lars(config);
    double succ_rate = config->loadbalance.succ_rate;
    uint32_t succ_limit =
        lars ? config->loadbalance.contin_succ_limit : config->loadbalance.recover_successes;
    if (lars && share(health->vsucc, health->verr) > succ_rate)
        *out = rate_cause(REASON_SUCC_RATE, health->vsucc, health->verr, succ_rate);
    else if (health->contin_succ >= succ_limit)
        *out = (struct cause){REASON_SUCC_STREAK, health->contin_succ, succ_limit};
    else
        return false;
    return true;
}

/* A window of few calls says too little, one without a call nothing. False: it changes no state. */
static bool judge_window(const struct host_health *health, const struct config *config, struct cause *out)
{
    uint64_t calls = (uint64_t)health->rsucc + health->rerr;
    uint32_t least = plays_lars(config) ? 1 : config->loadbalance.window_min_calls;
    double limit = config->loadbalance.window_err_rate, good = config->loadbalance.err_rate;
    if (calls == 0 || calls < least)
        return false;
    double failed = share(health->rerr, health->rsucc);
    if (failed >= limit)
        *out = rate_cause(REASON_WINDOW, health->rerr, health->rsucc, limit);
    else if (failed <= good && host_health_is_spared(health))
        *out = rate_cause(REASON_GOOD_WINDOW, health->rerr, health->rsucc, good);
    else
        return false;
    return true;
}

static uint64_t window_end(const struct host_health *health, const struct config *config)
{
    return health->window + UINT64_C(1000) * config->loadbalance.idle_timeout;
}

static enum health_change end_window(struct host_health *health, const struct config *config, uint64_t now)
{
    struct cause cause;
    if (judge_window(health, config, &cause)) {
        become(health, cause.reason == REASON_WINDOW ? HOST_EJECTED : HOST_IN_ROTATION, cause, config, now);
        return HEALTH_CHANGED;
    }
    begin_counts(health, config->loadbalance.init_succ_cnt, 0, now);
    return HEALTH_RESET;
}

enum health_change health_apply(struct host_health *health, const struct call_batch *batch,
                                const struct config *config, uint64_t now)
{
    if (batch->succ == 0 && batch->err == 0)
        return HEALTH_SAME;
    add(health, batch);
    struct cause cause;
    if (health->state == HOST_IN_ROTATION && batch->err > 0 && fails(health, config, &cause))
        become(health, HOST_EJECTED, cause, config, now);
    else if (health->state == HOST_EJECTED && batch->succ > 0 && recovers(health, config, &cause))
        become(health, HOST_IN_ROTATION, cause, config, now);
    else if (health->state == HOST_IN_ROTATION && plays_lars(config) && now >= window_end(health, config))
        return end_window(health, config, now);
    else
        return HEALTH_SAME;
    return HEALTH_CHANGED;
}

void health_begin_window(struct host_health *health, const struct config *config, uint64_t now)
{
    if (!plays_lars(config))
        health->window = now;
}

enum health_change health_time(struct host_health *health, const struct config *config, uint64_t now)
{
    if (now < health_deadline(health, config))
        return HEALTH_SAME;
    if (health->state == HOST_IN_ROTATION)
        return end_window(health, config, now);
    const struct cause cause = {REASON_TIMEOUT, 0, (uint32_t)((health->window - health->since) / 1000)};
    become(health, HOST_IN_ROTATION, cause, config, now);
    return HEALTH_CHANGED;
}

bool health_is_worth_remembering(const struct host_health *health, const struct config *config, uint64_t now)
{
    return !plays_lars(config) && (health->state == HOST_EJECTED || level(health, config, now) > 0);
}

void health_leave(struct host_health *health, const struct config *config, uint64_t now)
{
    bool ejected = health->state == HOST_EJECTED;
    begin_counts(health, ejected ? 0 : config->loadbalance.init_succ_cnt,
                 ejected ? config->loadbalance.init_err_cnt : 0, now);
    health_set_end(health, config);
}

void health_spare(struct host_health *health, const struct config *config, uint64_t now)
{
    if (health->level > 0)
        health->level--;
    const struct cause cause = {(enum health_reason)health->reason, health->value, health->limit};
    become(health, HOST_IN_ROTATION, cause, config, now);
}

bool health_is_back(const struct host_health *health)
{
    return health->state == HOST_IN_ROTATION &&
           (health->reason == REASON_SUCC_RATE || health->reason == REASON_SUCC_STREAK ||
            health->reason == REASON_TIMEOUT);
}

uint32_t health_share(const struct host_health *health, const struct config *config, uint64_t now)
{
    uint64_t whole = UINT64_C(1000) * config->loadbalance.slow_start;
    if (health->state == HOST_EJECTED)
        return SHARE_EJECTED;
    if (plays_lars(config) || !health_is_back(health) || now - health->since >= whole)
        return SHARE_FULL;
    return 1 + (uint32_t)((now - health->since) * (SHARE_EIGHTHS - 1) / whole);
}

uint64_t health_share_grows(const struct host_health *health, const struct config *config, uint64_t now)
{
    uint32_t share = health_share(health, config, now), steps = SHARE_EIGHTHS - 1;
    uint64_t whole = UINT64_C(1000) * config->loadbalance.slow_start;
    return share == SHARE_FULL || share == SHARE_EJECTED
               ? UINT64_MAX
               : health->since + (share * whole + steps - 1) / steps;
}

uint64_t health_deadline(const struct host_health *health, const struct config *config)
{
    if (health->state != HOST_IN_ROTATION)
        return health->window;
    return plays_lars(config) ? UINT64_MAX : window_end(health, config);
}
