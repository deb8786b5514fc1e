/* SPDX-License-Identifier: MIT */
#include "fetcher/token_bucket.h"

enum {
    BURST_MS = 100 /* the most that is saved up */
};

void token_bucket_fill(struct token_bucket *pace, uint32_t per_second, uint64_t now)
{
    uint64_t elapsed = now - pace->filled;
    if (elapsed > BURST_MS)
        elapsed = BURST_MS;
    double most = (double)per_second * BURST_MS / 1000;
    pace->filled = now;
    pace->tokens += (double)per_second * (double)elapsed / 1000;
    /* A rate below one per burst still gets its one. */
    if (pace->tokens > most)
        pace->tokens = most < 1 ? (pace->tokens < 1 ? pace->tokens : 1) : most;
}
