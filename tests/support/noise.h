/* SPDX-License-Identifier: MIT */
/* Bytes that no fetcher has written, the same in each run. */
#ifndef TESTS_SUPPORT_NOISE_H
#define TESTS_SUPPORT_NOISE_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33 | *seed << 31;
}

/* Fills whole words. */
static inline void noise_fill(void *at, size_t size, uint64_t *seed)
{
    uint64_t *words = at;
    for (size_t i = 0; i < size / sizeof(*words); i++)
        words[i] = noise(seed);
}

#endif
