/* SPDX-License-Identifier: MIT */
/*
 * How requests_per_second is shared: each kind of request has its own part, which the others cannot take. What a kind
 * does not use goes to those that want more, first come, first served.
 */
#ifndef FETCHER_SHARES_H
#define FETCHER_SHARES_H

#include <stdbool.h>
#include <stdint.h>

enum share {
    SHARE_NEW,         /* routes that are looked up for the first time */
    SHARE_REFRESH,     /* routes in use that have expired */
    SHARE_RESUBSCRIBE, /* known routes, after a connect or a silence */
    SHARES,
};

struct shares {
    double tokens[SHARES]; /* each allows a request */
    double spare;          /* likewise, to any kind */
    uint64_t filled;       /* tick */
    bool refusing;
};

/*
 * Adds what the time since the last call allows. A pause does not allow a larger burst. While new routes are refused,
 * they have a sixteenth, and nothing of what others leave.
 */
void shares_fill(struct shares *shares, uint32_t per_second, bool refusing, uint64_t now);

/* True if a request of this kind may be sent; shares_take() counts it. */
bool shares_has(const struct shares *shares, enum share kind);
void shares_take(struct shares *shares, enum share kind);

#endif
