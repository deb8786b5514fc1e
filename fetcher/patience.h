/* SPDX-License-Identifier: MIT */
/*
 * How long a directory is waited for. A connection on which anything comes is alive, however slow: a fetcher that
 * leaves it sends all its requests again, after they were answered to none. Where a whole fleet does that, a slow
 * directory answers hardly anything else, and no fetcher ever has all of its routes.
 */
#ifndef FETCHER_PATIENCE_H
#define FETCHER_PATIENCE_H

#include <stdint.h>

enum {
    PATIENCE_TIMES = 10, /* request_timeout_ms and probe_interval_ms together: a minute by default */
};

/* The less is to be gained elsewhere, the more. */
enum patience {
    PATIENCE_SHORT,  /* another server may well answer: request_timeout_ms */
    PATIENCE_MEDIUM, /* likewise, but this one was only just changed to: that and probe_interval_ms */
    PATIENCE_LONG, /* there is no other, or others have been left for it again and again: PATIENCE_TIMES that */
};

/* Ticks, while a request is outstanding. */
struct waiting {
    uint64_t oldest; /* of the requests: was sent */
    uint64_t heard;  /* something came */
    uint64_t answer; /* a request was answered, or the connection made */
};

/*
 * Why the connection is to be left; NULL: it is not. A directory that sends pushes alone is left, too: it has lost all
 * requests. That shows in no less than the time of a probe.
 */
const char *patience_over(const struct waiting *waiting, uint64_t request_timeout_ms,
                          uint64_t probe_interval_ms, enum patience patience, uint64_t now);

#endif
