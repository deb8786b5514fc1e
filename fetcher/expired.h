/* SPDX-License-Identifier: MIT */
/*
 * Slots of expired routes that are in use, in the order in which their flags were found: what expired first is refreshed
 * first, and where not all can be, all ages grow alike. In the bitmap of flags a route would wait for the whole round
 * that passed it just before, twice as long as others. Slots mean something in one generation only.
 */
#ifndef FETCHER_EXPIRED_H
#define FETCHER_EXPIRED_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise: there is room for none. */
struct expired {
    uint32_t *slots;   /* a ring of [capacity] */
    uint64_t *has;     /* bits, by slot */
    uint32_t capacity; /* slots are below */
    uint32_t first, count;
};

/* Forgets all; room for slots below `capacity`. False: no memory, there is room for none. */
bool expired_reset(struct expired *expired, uint32_t capacity);
void expired_free(struct expired *expired);

/* True if the slot, below the capacity, waits. */
bool expired_has(const struct expired *expired, uint32_t slot);

/* Adds a slot that does not wait yet. */
void expired_add(struct expired *expired, uint32_t slot);

/* Takes the slot that has waited longest. False: none waits. */
bool expired_take(struct expired *expired, uint32_t *slot);

#endif
