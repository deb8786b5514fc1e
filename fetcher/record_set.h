/* SPDX-License-Identifier: MIT */
/* Numbers of host records that something is still to be done with: each once, taken in any order. */
#ifndef FETCHER_RECORD_SET_H
#define FETCHER_RECORD_SET_H

#include <stdbool.h>
#include <stdint.h>

struct record_set {
    uint32_t *numbers; /* [count], of [capacity] */
    bool *has;         /* by number */
    uint32_t capacity, count;
};

/* Room for numbers below `count`. False: no memory. */
bool record_set_reserve(struct record_set *set, uint32_t count);
void record_set_free(struct record_set *set);

void record_set_add(struct record_set *set, uint32_t number);

/* False: the set is empty. */
bool record_set_take(struct record_set *set, uint32_t *number);

#endif
