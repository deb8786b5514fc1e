/* SPDX-License-Identifier: MIT */
/* A handle: the mapping of the current generation, guarded by RCU, and retired ones that cannot be unmapped yet. */
#ifndef READER_STATE_H
#define READER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/include/larshm/larshm.h"
#include "reader/place.h"
#include "reader/thread.h"
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
    /* A mapping begins on a page, and liburcu's record of a thread, which each lookup writes to, is 32 bytes into its page
     * or a multiple of 256 more. A load from the same offset of another page would wait for that store. */
    _Alignas(256) char apart[128];
    struct routes routes;
    struct control control;
    uint64_t control_number; /* of the control object that was looked for */
    bool can_demand;         /* control is mapped */
    bool may_not_demand;     /* it is not, because this user may not write to it */
    struct region routes_region, control_region;
    _Atomic uint64_t seen_tick,
        seen_at;          /* the fetcher's tick, and when this process saw it first: silence.c */
    struct mapping *next; /* in larshm.retired */
    _Atomic bool retired; /* replaced, in that list */
    bool quiescent;       /* and no read section can have it any more, see mapping.c */
    _Atomic uint32_t picks[PROBE_CELLS]; /* of routes with hosts out of rotation, if control is not mapped */
    _Atomic int cut_off; /* 0, or why a newer generation could not be opened; advice, see lookup_cut_off() */
    struct pin_cell pins[PIN_CELLS];
};

struct larshm {
    _Atomic(struct mapping *) current; /* RCU: loaded inside read sections, exchanged by mapping_renew() */
    uint64_t serial;                   /* unique among all handles of a process, also closed ones */
    struct object_names names;
    _Atomic uint64_t next_look;    /* tick: when to look again for an announced generation */
    _Atomic uint64_t next_open;    /* tick: when to try again to open one that could not be opened */
    _Atomic uint64_t next_control; /* tick: when to look again for a control object that was missing */
    _Atomic uint64_t
        next_wait; /* tick: when to wait again for read sections that may have a retired mapping */
    _Atomic uint64_t next_check; /* tick: when to check again whether a silent fetcher's object has its name */
    struct place place;          /* where the objects are */
    _Atomic(struct mapping *) retired; /* replaced, and pinned or in a read section: a list, see mapping.c */
    _Atomic uint32_t retirements;      /* how often one was added to it */
};

#endif
