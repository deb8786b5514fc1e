/* SPDX-License-Identifier: MIT */
/* Percentiles of single measurements. */
#ifndef TOOLS_BENCH_SPREAD_H
#define TOOLS_BENCH_SPREAD_H

#include <stddef.h>
#include <stdlib.h>

static inline int spread_order(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts them, for spread_at(). */
static inline void spread_sort(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), spread_order);
}

/* The smallest one that this share of them does not exceed. */
static inline double spread_at(const double *sorted, size_t count, double share)
{
    size_t rank = (size_t)(share * (double)count);
    return sorted[rank < count ? rank : count - 1];
}

#endif
