/* SPDX-License-Identifier: MIT */
/*
 * A host's health in one route: what its calls have told about it. Plain data; the fetcher works on it and keeps
 * it in the hosts object (hosts.h), the inspection tool shows it. Times are ticks. Names and rules are those of Lars.
 */
#ifndef SHM_HOST_HEALTH_H
#define SHM_HOST_HEALTH_H

#include <stdint.h>

enum host_state {
    HOST_IN_ROTATION,
    HOST_EJECTED,
};

/* What an operator has said about the host; it comes before what calls tell. */
enum host_override {
    OVERRIDE_NONE,
    OVERRIDE_PINNED,  /* in: picked whatever its calls tell */
    OVERRIDE_DRAINED, /* out: neither picked nor probed */
};

/* Why `state` is what it is. Rates are parts of 10,000: 1400 is 14 %. */
enum health_reason {
    REASON_BIRTH,       /* nothing has happened yet */
    REASON_ERR_RATE,    /* overloaded: `value` is verr / (vsucc + verr), above `limit` */
    REASON_ERR_STREAK,  /* overloaded: `value` failures in a row, `limit` are allowed */
    REASON_WINDOW,      /* overloaded: `value` is rerr / (rsucc + rerr) of one window, `limit` or more */
    REASON_FEW_CALLS,   /* overloaded: likewise in two windows in a row, each of few calls */
    REASON_SUCC_RATE,   /* idle: `value` is vsucc / (vsucc + verr), above `limit` */
    REASON_SUCC_STREAK, /* idle: `value` successes in a row, `limit` are enough */
    REASON_TIMEOUT,     /* idle: it was overloaded for `limit` seconds */
    REASONS,
};

struct host_health {
    uint64_t total_succ, total_err; /* calls, ever: results that clients reported */
    uint64_t since;                 /* when `state` was taken */
    uint64_t window;      /* when the counts below began; that of an idle host ends after idle_timeout */
    uint32_t vsucc, verr; /* judge; with what the host was credited or charged when it changed state */
    uint32_t rsucc, rerr; /* calls; these go to the report service */
    uint32_t contin_succ, contin_err;
    uint32_t value, limit; /* of the reason */
    uint8_t state;         /* enum host_state */
    uint8_t override;      /* enum host_override */
    uint8_t reason;        /* enum health_reason */
    uint8_t bad_window;    /* the window before was one of few calls, and too many of them failed */
};

/* Results of calls to one host since the last look. */
struct call_batch {
    uint64_t succ, err;
    uint64_t extra; /* what slow failures count for judging, beyond one each */
    uint32_t
        err_run; /* failures in a row: the longest run that went on in this batch; it may have begun before */
    uint32_t succ_run; /* likewise of successes */
};

#endif
