/* SPDX-License-Identifier: MIT */
#include "fetcher/token_bucket.h"

enum {
    BURST_MS = 100 /* the most that accumulates */
};

void token_bucket_fill(struct token_bucket *bucket, uint32_t per_second, uint64_t now)
{
    uint64_t elapsed = now - bucket->filled;
    if (elapsed > BURST_MS)
        elapsed = BURST_MS;
    double most = (double)per_second * BURST_MS / 1000;
    bucket->filled = now;
    bucket->tokens += (double)per_second * (double)elapsed / 1000;
    /* A rate below one token per burst still gets one. */
    if (bucket->tokens > most)
        bucket->tokens = most < 1 ? (bucket->tokens < 1 ? bucket->tokens : 1) : most;
}
