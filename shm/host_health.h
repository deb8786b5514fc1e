/* SPDX-License-Identifier: MIT */
/*
 * A host's health in one route, as its call results say. Plain data: the fetcher works on it and keeps it in the hosts
 * object (host_records.h), the inspection tool prints it. Times are ticks. Names and rules are those of Lars.
 */
#ifndef SHM_HOST_HEALTH_H
#define SHM_HOST_HEALTH_H

#include <assert.h>
#include <stdint.h>

enum host_state {
    HOST_IN_ROTATION,
    HOST_EJECTED,
};

/* An operator's override; it comes before call results. */
enum host_override {
    OVERRIDE_NONE,
    OVERRIDE_PINNED,  /* in rotation, whatever its call results */
    OVERRIDE_DRAINED, /* out of rotation: neither picked nor probed */
};

/* Why `state` is what it is. Rates are parts of 10,000: 1400 is 14 %. */
enum health_reason {
    REASON_BIRTH,       /* no change yet */
    REASON_ERR_RATE,    /* ejected: `value` is verr / (vsucc + verr), above `limit` */
    REASON_ERR_STREAK,  /* ejected: `value` failures in a row, `limit` are allowed */
    REASON_WINDOW,      /* ejected: `value` is rerr / (rsucc + rerr) of one window, `limit` or more */
    REASON_FEW_CALLS,   /* ejected: likewise in two windows in a row, each of few calls */
    REASON_SUCC_RATE,   /* in rotation: `value` is vsucc / (vsucc + verr), above `limit` */
    REASON_SUCC_STREAK, /* in rotation: `value` successes in a row, `limit` are enough */
    REASON_TIMEOUT,     /* in rotation: it was ejected for `limit` seconds */
    REASONS,
};

struct host_health {
    uint64_t total_succ, total_err; /* calls, ever: results that clients reported */
    uint64_t since;                 /* when `state` began */
    uint64_t window;                /* when the counts below began; in rotation it ends after idle_timeout */
    uint32_t vsucc, verr; /* for judging; with what the host was credited or charged when it changed state */
    uint32_t rsucc, rerr; /* calls; these go to the report service */
    uint32_t contin_succ, contin_err;
    uint32_t value, limit; /* of the reason */
    uint8_t state;         /* enum host_state */
    uint8_t override;      /* enum host_override */
    uint8_t reason;        /* enum health_reason */
    uint8_t bad_window;    /* the previous window had few calls, and too many of them failed */
    uint32_t pad;          /* 0: it is stored with the rest */
};
static_assert(sizeof(struct host_health) == 72, "host_health has no other padding");

/* Results of calls to one host since they were last collected. */
struct call_batch {
    uint64_t succ, err;
    uint64_t extra; /* what slow failures count for judging, beyond one each */
    uint32_t
        err_run; /* failures in a row: the longest run that went on in this batch; it may have begun before */
    uint32_t succ_run; /* likewise of successes */
};

#endif
