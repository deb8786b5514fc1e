/* SPDX-License-Identifier: MIT */
#include "tools/bench/sequence.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

static const double skew = 0.99;

static uint32_t *allocate(void)
{
    uint32_t *sequence = malloc(SEQUENCE_LENGTH * sizeof(*sequence));
    if (!sequence)
        warnx("out of memory");
    return sequence;
}

uint32_t *sequence_new(uint32_t routes)
{
    uint32_t *sequence = allocate();
    uint64_t state = routes;
    for (uint32_t i = 0; sequence && i < SEQUENCE_LENGTH; i++)
        sequence[i] = random_below(&state, routes);
    return sequence;
}

/* The first number whose share, with all before it, is above `share`. */
static uint32_t find(const double *shares, uint32_t count, double share)
{
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shares[middle] > share)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t *sequence_new_zipf(uint32_t routes)
{
    double *shares = malloc(routes * sizeof(*shares)), sum = 0;
    uint32_t *sequence = allocate();
    uint64_t state = routes;
    for (uint32_t i = 0; shares && i < routes; i++)
        shares[i] = sum += pow(i + 1, -skew);
    for (uint32_t i = 0; shares && sequence && i < SEQUENCE_LENGTH; i++)
        sequence[i] = find(shares, routes, ldexp((double)(next_random(&state) >> 11), -53) * sum);
    if (!shares) {
        warnx("out of memory");
        free(sequence);
        sequence = NULL;
    }
    free(shares);
    return sequence;
}
