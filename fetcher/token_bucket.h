/* SPDX-License-Identifier: MIT */
/* A token bucket: limits how often something is done per second. */
#ifndef FETCHER_TOKEN_BUCKET_H
#define FETCHER_TOKEN_BUCKET_H

#include <stdint.h>

struct token_bucket {
    double tokens;   /* each allows one */
    uint64_t filled; /* tick */
};

/* Adds the tokens for the time since the last call. A pause does not allow a larger burst. */
void token_bucket_fill(struct token_bucket *bucket, uint32_t per_second, uint64_t now);

#endif
