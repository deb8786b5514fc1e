/* SPDX-License-Identifier: MIT */
/* The routes object. A part of layout.h, which draws it. */
#ifndef SHM_LAYOUT_ROUTES_H
#define SHM_LAYOUT_ROUTES_H

#ifndef SHM_LAYOUT_H
#error "include shm/layout.h"
#endif

#include "shm/counters.h"
#include "shm/settings.h"

/* What a reader can learn about the fetcher's connection. */
enum connection_state {
    CONNECTION_NONE = 0, /* the fetcher has not tried yet */
    CONNECTION_CONNECTING = 1,
    CONNECTION_UP = 2,
    CONNECTION_WAITING = 3, /* down; will be tried again */
};

enum fetcher_state {
    FETCHER_RUNNING = 1, /* true only while tick moves */
    FETCHER_STOPPED = 2, /* stopped cleanly */
};

/* Why new keys are refused, in routes_header.refusing. */
enum refusing {
    REFUSING_NOTHING = 0,
    REFUSING_MAX_BYTES = 1,
    REFUSING_MAX_UNKNOWN = 2,
    REFUSING_NO_SPACE = 3, /* the file system of shared memory is full */
    REFUSING_MEMORY = 4,   /* the memory limit of the fetcher's control group */
    REFUSING_SYSTEM = 5,   /* another error of the system, which the fetcher's log names */
};

/* Why an answer is held back, in block.marks; see hold_mark.h. */
enum hold_reason {
    HOLD_NONE = 0,
    HOLD_EMPTY = 1,   /* it has no hosts */
    HOLD_DROPPED = 2, /* it takes more of the route's hosts away than max_drop allows */
    HOLD_BEHIND = 3,  /* the directory is behind a version that was seen */
    HOLD_UNCONFIRMED =
        4, /* it takes hosts away, and came soon after the change to this directory, which tells no version */
};

/* In block.marks: a host of the route fails and stays in rotation, since max_ejected others are out. For people. */
enum {
    MARK_SPARED = 1 << 15
};

/* In block.limited: another table takes the place of this one. Who has not come by way of the index looks there. */
#define LIMITED_REPLACED UINT16_MAX

/*
 * What a host gets of its even share of picks, in block.states. From 1 to SHARE_EIGHTHS - 1: so many eighths, of a host that
 * has come back a moment ago. Values that have no name read as SHARE_EJECTED.
 */
enum host_share {
    SHARE_FULL = 0,
    SHARE_EIGHTHS = 8,
    SHARE_EJECTED = 8,  /* probes alone */
    SHARE_DRAINED = 15, /* nothing */
};

/* Steps of the hand-over to a new generation, in routes_header.superseded. */
enum superseded {
    SUPERSEDED_NO = 0,
    SUPERSEDED_SOON = 1, /* the new generation has its name now or in a moment; NO again if that fails */
    SUPERSEDED_YES = 2,  /* it has */
};

struct published_use {
    _Atomic uint64_t key;     /* ~key; 0: none, and none after it */
    _Atomic uint64_t lookups; /* since it has its sum, see writer/use_sums.h */
};

struct routes_header {
    /* Line 0: written before the object has its name, constant from then on. */
    struct object_id id;
    uint32_t bucket_count;
    uint32_t arena_units;
    uint32_t index_offset;
    uint32_t call_cells; /* of the control object */
    uint64_t arena_offset;
    uint64_t hash_seed;

    /*
     * Line 1: read at each lookup. Writer: the fetcher; of `superseded`, the next fetcher too.
     * tick: stale is harmless, a table only seems younger than it is. superseded: enum superseded; it and the
     * object_id keep their places in every layout.
     * doorbell: a futex, rung after publishes; waiters compare it, so missing one ring cannot lose a wake-up.
     */
    _Alignas(CACHE_LINE) _Atomic uint64_t tick;
    _Atomic uint32_t superseded;
    _Atomic uint32_t doorbell;
    _Atomic uint32_t refusing;
    struct published_settings settings;
    uint32_t pad1[10 - sizeof(struct settings) / sizeof(uint32_t)];
    _Atomic uint32_t hosts_full; /* not 0: there is no room for records of more hosts */

    /* Lines 2 ..: for people. Writer: the fetcher, relaxed. Readers: larshm_info and the inspection tool. */
    _Alignas(CACHE_LINE) _Atomic uint32_t fetcher_pid; /* in the fetcher's pid namespace */
    _Atomic uint32_t fetcher_state;
    _Atomic uint64_t fetcher_since; /* Unix time in milliseconds: started, or stopped */
    _Atomic uint32_t connection;    /* enum connection_state */
    _Atomic uint32_t directory_changes;
    _Atomic uint64_t connection_tick; /* when it was made, or ended; without one so far, the start */
    _Atomic uint64_t version;         /* the last one drawn */
    _Atomic uint64_t max_bytes;       /* this object grows no further */
    _Atomic uint64_t control;         /* number of the control object; clients leave one of another number */
    /* How many changes of routes there were, from a random number on; see changes.h. Writer: the fetcher. Readers: clients
     * that list changes. On the line of `version`, which most changes write anyway. */
    _Atomic uint64_t changes;

    /* The server that the fetcher uses, "host:port", NUL-terminated: after an even number of changes here, after an odd
     * one in `directory_odd`. See directory_name.h. */
    _Alignas(CACHE_LINE) _Atomic uint64_t directory_even[DIRECTORY_NAME / sizeof(uint64_t)];
    _Alignas(CACHE_LINE) _Atomic uint64_t counters[64]; /* by enum shm_counter */

    /* Written before the object has its name, constant from then on. Parts behind the arena; 0: absent. */
    uint64_t parts_bytes;     /* of all of them */
    uint64_t versions_offset; /* u64 [slots]: the version of the route as the directory numbers it */
    uint64_t ring_offset;     /* u64 [ring_entries]: the routes that have changed last; see changes.h */
    uint32_t ring_entries;    /* a power of two */
    uint32_t pad4;

    /* For people. A table that was fetched at `snapshot_tick` or before is from the snapshot of that Unix time in
     * milliseconds, and was not confirmed since; 0: no fetcher has read one since the boot. */
    uint64_t snapshot_time, snapshot_tick;

    _Atomic uint64_t data_version; /* for people: the highest that a directory has told; 0: none has */

    _Alignas(CACHE_LINE) _Atomic uint64_t directory_odd[DIRECTORY_NAME / sizeof(uint64_t)];

    /* For people: the path of the snapshot; or, where `snapshot_off` is not 0, why there is none. NUL-terminated, written
     * before the object has its name, constant from then on. */
    char snapshot[SNAPSHOT_TEXT];
    uint32_t snapshot_off;
    uint32_t pad5;
    _Atomic uint64_t snapshot_written; /* Unix time in milliseconds of the last one; 0: none so far */

    /* For people: see latency.h and top_routes.h. */
    _Atomic uint64_t latency[LATENCY_BUCKETS]; /* answers to requests, by how long they took */
    _Atomic uint64_t latency_sum;              /* microseconds, of all of them */
    _Atomic uint64_t top_changes;              /* how often a list was written */
    _Alignas(CACHE_LINE) struct published_use top_routes[2][TOP_ROUTES];
};

struct slot {
    _Atomic uint64_t key; /* ~key, see route_key_word() */
    _Atomic uint64_t ref;
};

struct bucket {
    _Alignas(CACHE_LINE) struct slot slots[BUCKET_SLOTS];
};

struct block { /* begins on a cache line: a multiple of UNIT_BYTES into the arena */
    _Atomic uint64_t stamp;
    _Atomic uint64_t key;
    _Atomic uint64_t expires;
    _Atomic uint16_t limited;
    _Atomic uint16_t marks;
    _Atomic uint16_t count;
    _Atomic uint16_t ttl_s;
    _Atomic uint64_t states[]; /* then addresses, then ports: block_addresses(), block_ports() */
};

/* Proof of the drawing in layout.h. */
static_assert(sizeof(struct object_id) == 32, "object_id");
static_assert(offsetof(struct routes_header, bucket_count) == 32, "line 0");
static_assert(offsetof(struct routes_header, hash_seed) == 56, "line 0");
static_assert(offsetof(struct routes_header, tick) == 64, "line 1");
static_assert(offsetof(struct routes_header, superseded) == 72, "here in every layout");
static_assert(offsetof(struct routes_header, hosts_full) == 124, "line 1");
static_assert(offsetof(struct routes_header, fetcher_pid) == 128, "line 2");
static_assert(offsetof(struct routes_header, control) == 176, "line 2");
static_assert(offsetof(struct routes_header, changes) == 184, "line 2");
static_assert(offsetof(struct routes_header, directory_even) == 192, "line 3");
static_assert(offsetof(struct routes_header, counters) == 320, "line 5");
static_assert(offsetof(struct routes_header, parts_bytes) == 832, "line 13");
static_assert(offsetof(struct routes_header, snapshot_time) == 864, "line 13");
static_assert(offsetof(struct routes_header, data_version) == 880, "line 13");
static_assert(offsetof(struct routes_header, directory_odd) == 896, "line 14");
static_assert(offsetof(struct routes_header, snapshot) == 1024, "line 16");
static_assert(offsetof(struct routes_header, snapshot_written) == 1224, "line 19");
static_assert(offsetof(struct routes_header, latency) == 1232, "line 19");
static_assert(offsetof(struct routes_header, latency_sum) == 1344, "line 21");
static_assert(offsetof(struct routes_header, top_changes) == 1352, "line 21");
static_assert(offsetof(struct routes_header, top_routes) == 1408, "line 22");
static_assert(sizeof(struct published_use) == 16, "four on a cache line");
static_assert(sizeof(struct routes_header) <= HEADER_BYTES, "routes_header");
static_assert(COUNTER_COUNT <= 64, "counters");
static_assert(HOSTS_MAX < LIMITED_REPLACED, "no number of hosts");
static_assert(sizeof(struct slot) == 16 && sizeof(struct bucket) == CACHE_LINE, "bucket");
static_assert(sizeof(struct block) == 32, "block");
static_assert(offsetof(struct block, key) == 8 && offsetof(struct block, expires) == 16, "block");
static_assert(offsetof(struct block, limited) == 24 && offsetof(struct block, count) == 28, "block");
static_assert(offsetof(struct block, ttl_s) == 30 && offsetof(struct block, states) == 32, "block");
static_assert(offsetof(struct routes_header, settings) == 84, "line 1");
static_assert(offsetof(struct settings, probe_num) == 12 &&
                  offsetof(struct settings, max_overload_timeout_s) == 20,
              "settings are appended");
static_assert(COUNTER_orders == 31, "counters are appended");

enum {
    STATES_IN_WORD = 16
};

/* Bytes that a table of `count` hosts takes: four of them fill a cache line, fourteen fill two. */
#define STATE_WORDS(count) (((count) + STATES_IN_WORD - 1) / STATES_IN_WORD)
#define BLOCK_BYTES(count) (sizeof(struct block) + STATE_WORDS(count) * 8 + (count) * (4 + 2))
static_assert(BLOCK_BYTES(4) == UNIT_BYTES && BLOCK_BYTES(14) <= 2 * UNIT_BYTES, "table of four hosts");

static inline uint32_t block_units(uint32_t count)
{
    return (uint32_t)((BLOCK_BYTES(count) + UNIT_BYTES - 1) / UNIT_BYTES);
}

static inline _Atomic uint32_t *block_addresses(const struct block *s_block, uint32_t count)
{
    return (_Atomic uint32_t *)((uintptr_t)s_block + sizeof(struct block) + STATE_WORDS(count) * 8);
}

static inline _Atomic uint16_t *block_ports(const struct block *s_block, uint32_t count)
{
    return (_Atomic uint16_t *)((uintptr_t)block_addresses(s_block, count) + count * 4);
}

/* A host's bits of its word of states. */
static inline uint64_t share_bits(uint32_t host, uint32_t share)
{
    return (uint64_t)share << 4 * (host % STATES_IN_WORD);
}

static inline uint32_t share_in(uint64_t word, uint32_t host)
{
    return word >> 4 * (host % STATES_IN_WORD) & 15;
}

static inline uint64_t ref_make(uint64_t version, uint32_t unit)
{
    return version << REF_UNIT_BITS | unit;
}

static inline uint32_t ref_unit(uint64_t ref)
{
    return (uint32_t)(ref & REF_UNIT_MASK);
}

/* Of the block, in the arena. */
static inline uint64_t ref_offset(uint64_t ref)
{
    static_assert(UNIT_BYTES == 64, "the shift below");
    return ref << (64 - REF_UNIT_BITS) >> (64 - REF_UNIT_BITS - 6);
}

static inline uint64_t ref_version(uint64_t ref)
{
    return ref >> REF_UNIT_BITS;
}

#endif
