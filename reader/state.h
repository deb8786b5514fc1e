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

/* Views and waiting threads that use a mapping, counted on a cache line per few threads. Only the sum means
 * anything: a pin and its unpin may be in different cells. */
struct pin_cell {
    _Alignas(CACHE_LINE) _Atomic int64_t count;
};

struct mapping {
    /* A mapping begins on a page. liburcu's record of a thread, which each lookup writes to, is 32 bytes into its
     * page, or a multiple of 256 more. A load from the same offset of another page would wait for that store (4K
     * aliasing). */
    _Alignas(256) char apart[128];
    struct routes routes;
    struct control control;
    uint64_t control_number; /* of the control object that was looked for */
    bool can_demand;         /* control is mapped */
    bool may_not_demand;     /* it is not, because this user may not write to it */
    struct region routes_region, control_region;
    _Atomic uint64_t seen_tick;  /* the fetcher's tick that this process saw last, see silence.c */
    _Atomic uint64_t seen_at;    /* when it saw it first */
    struct mapping *next;        /* in larshm.retired */
    _Atomic bool retired;        /* it has been replaced */
    bool quiescent;              /* and no read section can use it any more, see mapping.c */
    _Atomic bool ejections_over; /* see limited.h; as of the last batch of lookups */
    _Atomic uint32_t
        picks[PROBE_CELLS]; /* by Lars' rules, of routes with hosts out of rotation, if control is not mapped */
    _Atomic int cut_off;    /* the code with which newer objects failed to open, see lookup_cut_off() */
    struct pin_cell pins[PIN_CELLS];
};

struct larshm {
    _Atomic(struct mapping *) current; /* RCU: loaded inside read sections, exchanged by mapping_renew() */
    uint64_t serial;                   /* unique among all handles of a process, also closed ones */
    uint64_t fast_serial; /* the same, or that of no handle: lookups do not take the fast path then */
    struct object_names names;
    /* Ticks: when to try again what failed. */
    _Atomic uint64_t next_look;        /* to find a generation that is announced */
    _Atomic uint64_t next_open;        /* to open one that has its name */
    _Atomic uint64_t next_control;     /* to find a control object */
    _Atomic uint64_t next_wait;        /* to wait for read sections that may use a retired mapping */
    _Atomic uint64_t next_check;       /* to find another object under the name of a silent fetcher's */
    struct place place;                /* where the objects are */
    _Atomic(struct mapping *) retired; /* replaced, and not unmapped yet: a list, see mapping.c */
    _Atomic uint32_t retirements;      /* how often one was added to it */
    _Atomic(struct routes_header *) asleep_at; /* at whose doorbell the thread of larshm_change_fd() sleeps */
};

#endif
