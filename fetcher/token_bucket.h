/* SPDX-License-Identifier: MIT */
/* What may be done now of what may be done so often per second. */
#ifndef FETCHER_TOKEN_BUCKET_H
#define FETCHER_TOKEN_BUCKET_H

#include <stdint.h>

struct token_bucket {
    double tokens;   /* each is the right to do it once */
    uint64_t filled; /* tick */
};

/* Adds what the time since the last call is worth. A pause gives no right to a burst. */
void token_bucket_fill(struct token_bucket *pace, uint32_t per_second, uint64_t now);

#endif
