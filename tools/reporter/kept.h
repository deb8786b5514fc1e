/* SPDX-License-Identifier: MIT */
/* Results that wait to be written: of each route, host and caller the newest, in the order in which the keys came. */
#ifndef TOOLS_REPORTER_KEPT_H
#define TOOLS_REPORTER_KEPT_H

#include <stddef.h>

#include "tools/reporter/status.h"

/* Zero-initialise; release with kept_free(). */
struct kept {
    struct status *rows;
    size_t count, capacity; /* the capacity is 0 or a power of two */
    uint64_t
        *slots; /* twice the capacity, linear probing: half of a hash, and 1 + the place of a row; 0: free */
    uint64_t secret; /* keys come from the network: a peer cannot choose those that collide */
};

/* Takes the place of the row with the same key. False: there is none, and `max` are kept, or memory ran out. */
bool kept_add(struct kept *kept, const struct status *status, size_t max);

/* The rows in the order of the table. What is kept can only be freed afterwards. */
void kept_sort(struct kept *kept);

/* It is empty then, and usable again. */
void kept_free(struct kept *kept);

#endif
