/* SPDX-License-Identifier: MIT */
#include "fetcher/health.h"

#include <stdbool.h>

enum {
    SILENT_WINDOWS = 2 /* between two that count as in a row */
};

/* What has made a host change its state. */
struct cause {
    enum standing_reason reason;
    uint32_t value, limit;
};

static uint32_t plus(uint32_t count, uint64_t more)
{
    return more < UINT32_MAX - count ? count + (uint32_t)more : UINT32_MAX;
}

static uint64_t total_plus(uint64_t total, uint64_t more)
{
    return more < UINT64_MAX - total ? total + more : UINT64_MAX;
}

/* `count` of `count` + `others`. Divided, not multiplied: 20 of 200 is exactly 0.1, which is not above 0.1. */
static double share(uint32_t count, uint32_t others)
{
    return (double)count / ((double)count + (double)others);
}

/*
 * A share and the limit that it passed, as parts of 10,000: the one rounded up and the other down, so that what is
 * above reads as above. Configured limits have at most 9 decimals: half of the last one makes good binary rounding.
 */
static struct cause rate_cause(enum standing_reason reason, uint32_t count, uint32_t others, double limit)
{
    uint64_t all = (uint64_t)count + others;
    return (struct cause){
        .reason = reason,
        .value = (uint32_t)((UINT64_C(10000) * count + all - 1) / all),
        .limit = (uint32_t)(limit * 10000 + 0.000005),
    };
}

static void begin_counts(struct standing *standing, uint32_t vsucc, uint32_t verr, uint64_t now)
{
    standing->window = now;
    standing->vsucc = vsucc;
    standing->verr = verr;
    standing->rsucc = standing->rerr = 0;
    standing->contin_succ = standing->contin_err = 0;
}

static void become(struct standing *standing, enum standing_state state, struct cause cause,
                   const struct config *config, uint64_t now)
{
    if (state == STANDING_IDLE)
        begin_counts(standing, config->loadbalance.init_succ_cnt, 0, now);
    else
        begin_counts(standing, 0, config->loadbalance.init_err_cnt, now);
    standing->since = now;
    standing->value = cause.value;
    standing->limit = cause.limit;
    standing->state = (uint8_t)state;
    standing->reason = (uint8_t)cause.reason;
    standing->bad_window = false;
}

void health_birth(struct standing *standing, const struct config *config, uint64_t now)
{
    become(standing, STANDING_IDLE, (struct cause){REASON_BIRTH, 0, 0}, config, now);
}

static void add(struct standing *standing, const struct call_batch *batch)
{
    standing->total_succ = total_plus(standing->total_succ, batch->succ);
    standing->total_err = total_plus(standing->total_err, batch->err);
    standing->vsucc = plus(standing->vsucc, batch->succ);
    standing->verr = plus(plus(standing->verr, batch->err), batch->extra);
    standing->rsucc = plus(standing->rsucc, batch->succ);
    standing->rerr = plus(standing->rerr, batch->err);
    standing->contin_succ = batch->succ ? batch->succ_run : 0;
    standing->contin_err = batch->err ? batch->err_run : 0;
}

static bool fails(const struct standing *standing, const struct config *config, struct cause *out)
{
    double err_rate = config->loadbalance.err_rate;
    uint32_t err_limit = config->loadbalance.contin_err_limit;
    if (share(standing->verr, standing->vsucc) > err_rate)
        *out = rate_cause(REASON_ERR_RATE, standing->verr, standing->vsucc, err_rate);
    else if (standing->contin_err >= err_limit)
        *out = (struct cause){REASON_ERR_STREAK, standing->contin_err, err_limit};
    else
        return false;
    return true;
}

static bool recovers(const struct standing *standing, const struct config *config, struct cause *out)
{
    double succ_rate = config->loadbalance.succ_rate;
    uint32_t succ_limit = config->loadbalance.contin_succ_limit;
    if (share(standing->vsucc, standing->verr) > succ_rate)
        *out = rate_cause(REASON_SUCC_RATE, standing->vsucc, standing->verr, succ_rate);
    else if (standing->contin_succ >= succ_limit)
        *out = (struct cause){REASON_SUCC_STREAK, standing->contin_succ, succ_limit};
    else
        return false;
    return true;
}

enum health_change health_apply(struct standing *standing, const struct call_batch *batch,
                                const struct config *config, uint64_t now)
{
    if (batch->succ == 0 && batch->err == 0)
        return HEALTH_SAME;
    add(standing, batch);
    struct cause cause;
    if (standing->state == STANDING_IDLE) {
        if (batch->err == 0 || !fails(standing, config, &cause))
            return HEALTH_SAME;
        become(standing, STANDING_OVERLOADED, cause, config, now);
    } else {
        if (batch->succ == 0 || !recovers(standing, config, &cause))
            return HEALTH_SAME;
        become(standing, STANDING_IDLE, cause, config, now);
    }
    return HEALTH_TURNED;
}

/* A window without a call tells nothing: neither a verdict nor an end to two bad windows in a row. */
static bool window_fails(struct standing *standing, const struct config *config, struct cause *out)
{
    uint64_t calls = (uint64_t)standing->rsucc + standing->rerr;
    double limit = config->loadbalance.window_err_rate;
    if (calls == 0)
        return false;
    bool bad = share(standing->rerr, standing->rsucc) >= limit;
    bool few = calls < config->loadbalance.window_min_calls;
    if (bad && (!few || standing->bad_window)) {
        *out = rate_cause(few ? REASON_FEW_CALLS : REASON_WINDOW, standing->rerr, standing->rsucc, limit);
        return true;
    }
    standing->bad_window = bad;
    return false;
}

void health_begin_window(struct standing *standing, const struct config *config, uint64_t now)
{
    if (now - standing->window > UINT64_C(1000) * SILENT_WINDOWS * config->loadbalance.idle_timeout)
        standing->bad_window = false;
    standing->window = now;
}

enum health_change health_time(struct standing *standing, const struct config *config, uint64_t now)
{
    if (now < health_deadline(standing, config))
        return HEALTH_SAME;
    struct cause cause;
    if (standing->state != STANDING_IDLE) {
        cause = (struct cause){REASON_TIMEOUT, 0, config->loadbalance.overload_timeout};
        become(standing, STANDING_IDLE, cause, config, now);
        return HEALTH_TURNED;
    }
    if (window_fails(standing, config, &cause)) {
        become(standing, STANDING_OVERLOADED, cause, config, now);
        return HEALTH_TURNED;
    }
    begin_counts(standing, config->loadbalance.init_succ_cnt, 0, now);
    return HEALTH_AFRESH;
}

uint64_t health_deadline(const struct standing *standing, const struct config *config)
{
    if (standing->state == STANDING_IDLE)
        return standing->window + UINT64_C(1000) * config->loadbalance.idle_timeout;
    return standing->since + UINT64_C(1000) * config->loadbalance.overload_timeout;
}
