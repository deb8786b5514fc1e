/* SPDX-License-Identifier: MIT */
/* A handle: the mapping of the current generation, guarded by RCU, and retired ones that are still pinned. */
#ifndef READER_STATE_H
#define READER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/include/larshm/larshm.h"
#include "reader/place.h"
#include "shm/control.h"
#include "shm/names.h"
#include "shm/routes.h"

enum {
    PIN_CELLS = 16,
    SILENT_MS = 3000, /* a fetcher without a sign of life for this long counts as dead */
};

/* Views and waiting threads that use a mapping, counted on a cache line per few threads; only the sum means
 * anything. */
struct pin_cell {
    _Alignas(CACHE_LINE) _Atomic int64_t count;
};

struct mapping {
    struct routes routes;
    struct control control;
    bool can_demand;     /* control is mapped */
    bool may_not_demand; /* it is not, because this user may not write to it */
    struct region routes_region, control_region;
    _Atomic uint64_t seen_tick, seen_at; /* the fetcher's tick, and when this process saw it first: silence.c */
    struct mapping *next;                /* in larshm.retired */
    _Atomic bool retired;
    struct pin_cell pins[PIN_CELLS];
};

struct larshm {
    _Atomic(struct mapping *) current; /* RCU: loaded inside read sections, exchanged by mapping_renew() */
    uint64_t serial;                   /* unique among all handles of a process, also closed ones */
    struct object_names names;
    _Atomic uint64_t next_look;  /* tick: when to look again for an announced generation */
    _Atomic uint64_t next_open;  /* tick: when to try again to open one that could not be opened */
    _Atomic uint64_t next_check; /* tick: when to check again whether a silent fetcher's object has its name */
    struct place place;          /* where the objects are */
    struct mapping *retired;     /* replaced, but pinned; under the lock in mapping.c */
    _Atomic bool left;           /* `retired` is not empty: batches of lookups try to unmap them */
};

#endif
