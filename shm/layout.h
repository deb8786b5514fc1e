/* SPDX-License-Identifier: MIT */
/*
 * The ABI: every byte of the three shared objects. Native byte order, except addresses and ports, which are in
 * network byte order as struct sockaddr_in wants them. All times are ticks: CLOCK_BOOTTIME in milliseconds.
 *
 *  ROUTES OBJECT  /larshm.<instance>            one fetcher process writes, all processes read
 *
 *      0                    4096                  index_offset + 64 * bucket_count
 *      | struct routes_header | struct bucket [...] | arena: 64-byte units ............ |
 *                             ^ index_offset        ^ arena_offset                      ^ size
 *
 *  Index: open addressing. A key's home bucket is hash_scale(); when a bucket is full the next one is tried, at
 *  most PROBE_MAX of them. A bucket is one cache line of four slots, filled from the left:
 *
 *      0     8     16    24    32    40    48    56    64
 *      | key | ref | key | ref | key | ref | key | ref |         holds ~key; 0: no slot here, and none after it
 *
 *  ref = version << REF_UNIT_BITS | unit. The block begins `unit` units into the arena. Versions are drawn from
 *  one counter per generation, so no two blocks that ever share an address share a ref.
 *
 *  Block: one published host table. A table of four hosts is exactly one cache line:
 *
 *      0       8     16        24        26      28      30      32
 *      | stamp | key | expires | ejected | marks | count | ttl_s | masks[(count + 31) / 32] : u64
 *                                                                | address[count]             : u32, network order
 *                                                                | port[count]                : u16, network order
 *
 *      stamp      the ref that leads here; 0 while the block is being written
 *      expires    tick after which the table is older than update_timeout; bit 63: PULLING, expires never
 *      ejected    hosts that are out of rotation; where it is 0, readers skip `masks`
 *      marks      MARK_HELD: an answer without hosts is held back
 *      count      0: the directory says that there is no such route
 *      ttl_s      seconds from fetch to expiry, so fetched = expires - 1000 * ttl_s; for people
 *      masks      of word i / 32, bit i % 32: host i is ejected; bit 32 + i % 32: it is drained, not probed either
 *
 *  CONTROL OBJECT  /larshm.<instance>.control   clients write, the fetcher collects. Contents are never trusted.
 *
 *      0                       4096             + 64 * LOOKUP_CELLS  + 8 * MISS_CELLS
 *      | struct control_header | lookup_cell [] | miss cells: u64 [] | stale: flags | picks: u32 [slots] | ...
 *      ... | reported: flags | struct call_cell [call_cells] |
 *
 *  Flags come in three levels: level 0 has a bit per item, level 1 a bit per word of level 0, level 2 a bit per word
 *  of level 1. The items of `stale` are slots of the routes object with the same generation (slot = 4 * bucket + place),
 *  those of `reported` are call cells. A miss cell holds ~key; 0: empty. `picks` counts lookups of routes with hosts out
 *  of rotation. A call cell belongs to the host that the first client to need it has named in it.
 *
 *  HOSTS OBJECT  /larshm.<instance>.hosts       the fetcher writes; for people. Lookups never read it.
 *
 *      0                     4096                  + record_count * sizeof(struct host_record)
 *      | struct hosts_header | struct host_record [] |
 *
 *  A record for each host of each route that has results or an override; and one of the route itself, host 0, for
 *  results of hosts that it does not have. The two halves of a record are written alternately: version v is in half
 *  v % 2.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/counters.h"
#include "shm/host_addr.h"
#include "shm/route_key.h"

#define ROUTES_MAGIC  UINT64_C(0x314d48535241414c) /* "LAARSHM1" read as little-endian bytes */
#define CONTROL_MAGIC UINT64_C(0x31544c435241414c) /* "LAARCLT1" */
#define HOSTS_MAGIC   UINT64_C(0x315453485241414c) /* "LAARHST1" */

enum {
    LAYOUT_VERSION = 2,
    CACHE_LINE = 64,
    HEADER_BYTES = 4096,
    BUCKET_SLOTS = 4,
    PROBE_MAX = 64, /* buckets; a full run of them makes the writer grow the index */
    UNIT_BYTES = 64,
    HOSTS_MAX = 10922, /* what fits into one frame */
    TTL_MAX_S = 65535,
    REF_UNIT_BITS = 26, /* arena of at most 4 GiB */
    REF_VERSION_BITS = 64 - REF_UNIT_BITS,
    LOOKUP_CELLS = 64,
    MISS_CELLS = 4096,
    MISS_WORDS = MISS_CELLS / 64 / 64, /* summary bits: one per 64 cells */
    CALL_CELLS_MAX = 1 << 24,
    CALL_SUCC_BITS = 36, /* of call_cell.counts; the failures are above */
    DIRECTORY_NAME = 128,
    HOST_WORDS = 14,
    ANNOUNCED_LOOK_MS = 10, /* how often a reader looks for an announced generation; not part of the layout */
};

#define REF_UNIT_MASK   ((UINT64_C(1) << REF_UNIT_BITS) - 1)
#define VERSION_MAX     ((UINT64_C(1) << REF_VERSION_BITS) - 1)
#define EXPIRES_PULLING (UINT64_C(1) << 63)
#define ARENA_UNITS_MAX (UINT32_C(1) << REF_UNIT_BITS)
#define BUCKETS_MAX     (UINT32_C(1) << 26)

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
};

/* In block.marks. */
enum {
    MARK_HELD = 1,
};

/* Steps of the hand-over to a new generation, in routes_header.superseded. */
enum superseded {
    SUPERSEDED_NO = 0,
    SUPERSEDED_SOON = 1, /* the new generation has its name now or in a moment; NO again if that fails */
    SUPERSEDED_YES = 2,  /* it has */
};

/* First in every object, so that a foreign one is recognised before anything else is read. Never changes. */
struct object_id {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t fingerprint; /* layout_fingerprint(): choices that layout_version might miss */
    uint64_t size;        /* bytes of the whole object */
    uint64_t generation;  /* Unix time in milliseconds of its creation, made larger if need be: only grows */
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
    _Atomic uint32_t probe_num;    /* picks of hosts in rotation between two probes of ejected ones */
    _Atomic uint32_t slow_call_ms; /* a failure counts once for each of these; 0: once */
    _Atomic uint32_t
        overload_timeout_s; /* ejections older than this no longer count if the fetcher is dead */
    uint32_t pad1[8];

    /* Lines 2 ..: for people. Writer: the fetcher, relaxed. Readers: larshm_info and the inspection tool. */
    _Alignas(CACHE_LINE) _Atomic uint32_t fetcher_pid; /* in the fetcher's pid namespace */
    _Atomic uint32_t fetcher_state;
    _Atomic uint64_t fetcher_since; /* Unix time in milliseconds: started, or stopped */
    _Atomic uint32_t connection;    /* enum connection_state */
    _Atomic uint32_t update_timeout_s;
    _Atomic uint64_t connection_tick; /* when `connection` last changed */
    _Atomic uint64_t version;         /* the last one drawn */
    _Atomic uint64_t max_bytes;       /* this object grows no further */
    _Atomic uint32_t grace_ms;
    _Atomic uint32_t poll_interval_ms;
    uint64_t pad2;

    _Alignas(CACHE_LINE) char directory[DIRECTORY_NAME]; /* host:port, NUL-terminated; constant */
    _Alignas(CACHE_LINE) _Atomic uint64_t counters[64];  /* by enum shm_counter */
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
    _Atomic uint16_t ejected;
    _Atomic uint16_t marks;
    _Atomic uint16_t count;
    _Atomic uint16_t ttl_s;
    _Atomic uint64_t masks[]; /* then addresses, then ports: block_addresses(), block_ports() */
};

/* One cache line per cell; a thread adds to the cell that its number picks. The fetcher collects the contents. */
struct lookup_cell {
    _Alignas(CACHE_LINE) _Atomic uint64_t lookups;
    _Atomic uint64_t missed;
    _Atomic uint64_t expired;
};

/*
 * Results of calls to one host of one route. Counts only grow; `taken` follows them: the fetcher writes it once it has
 * committed what is between the two, so one that dies in between loses none. One word counts successes and failures: a
 * carry out of the successes does not spoil the difference between two reads.
 *   err_runs   0 | 24 bits: successes, when a failure last came | 20: failures in a row | 20: the longest run | 64
 *   succ_run   the longest run of successes that a failure ended
 */
struct call_cell {
    _Alignas(CACHE_LINE) _Atomic uint64_t key; /* ~key; 0: the cell is free */
    _Atomic uint64_t host;                     /* host_word(); 0: claimed for the route, not for a host yet */
    _Atomic uint64_t counts;
    _Atomic uint64_t extra; /* what slow failures count beyond one each */
    _Atomic uint64_t err_runs;
    _Atomic uint64_t succ_run;
    _Atomic uint64_t taken, taken_extra; /* of counts and extra */
};

struct control_header {
    struct object_id id; /* constant, but in memory that clients can write: the fetcher keeps its own copy */
    uint32_t slot_count;
    uint32_t call_cells;
    _Atomic uint32_t threads; /* that have begun to look up: each starts with another phase */
    _Atomic uint32_t refused; /* results for which there was no call cell */
    _Alignas(CACHE_LINE) _Atomic uint64_t
        miss_summary[MISS_WORDS]; /* bit: some of these 64 cells may be in use */
};

struct hosts_header {
    struct object_id id;
    uint32_t record_count;
    _Atomic uint32_t used; /* records from here on were never used */
    uint64_t reserved[11]; /* 0; a mailbox for admin commands was here: a new field goes behind it */
};

struct host_record {
    _Atomic uint64_t key;  /* ~key; 0: free */
    _Atomic uint64_t host; /* host_word(); 0: the route itself */
    _Atomic uint64_t version;
    _Atomic uint64_t halves[2][HOST_WORDS]; /* struct host_entry, see host_records.h */
};

/* Proof of the drawing above. */
static_assert(sizeof(struct object_id) == 32, "object_id");
static_assert(offsetof(struct routes_header, bucket_count) == 32, "line 0");
static_assert(offsetof(struct routes_header, hash_seed) == 56, "line 0");
static_assert(offsetof(struct routes_header, tick) == 64, "line 1");
static_assert(offsetof(struct routes_header, fetcher_pid) == 128, "line 2");
static_assert(offsetof(struct routes_header, directory) == 192, "line 3");
static_assert(offsetof(struct routes_header, counters) == 320, "line 5");
static_assert(sizeof(struct routes_header) <= HEADER_BYTES, "routes_header");
static_assert(COUNTER_COUNT <= 64, "counters");
static_assert(sizeof(struct slot) == 16 && sizeof(struct bucket) == CACHE_LINE, "bucket");
static_assert(sizeof(struct block) == 32, "block");
static_assert(offsetof(struct block, key) == 8 && offsetof(struct block, expires) == 16, "block");
static_assert(offsetof(struct block, ejected) == 24 && offsetof(struct block, count) == 28, "block");
static_assert(offsetof(struct block, ttl_s) == 30 && offsetof(struct block, masks) == 32, "block");
static_assert(sizeof(struct lookup_cell) == CACHE_LINE, "lookup_cell");
static_assert(sizeof(struct call_cell) == CACHE_LINE, "call_cell");
static_assert(sizeof(struct hosts_header) == 128, "hosts_header");
static_assert(sizeof(struct host_record) == 248, "host_record");
static_assert(offsetof(struct control_header, miss_summary) == 64, "control_header");
static_assert(sizeof(struct control_header) <= HEADER_BYTES, "control_header");
static_assert(MISS_WORDS * 64 * 64 == MISS_CELLS, "miss summary");

/* Bytes that a table of `count` hosts takes: four of them fill a cache line, fourteen fill two. */
#define MASK_WORDS(count)  (((count) + 31) / 32)
#define BLOCK_BYTES(count) (sizeof(struct block) + MASK_WORDS(count) * 8 + (count) * (4 + 2))
static_assert(BLOCK_BYTES(4) == UNIT_BYTES && BLOCK_BYTES(14) <= 2 * UNIT_BYTES, "table of four hosts");

static inline uint32_t block_units(uint32_t count)
{
    return (uint32_t)((BLOCK_BYTES(count) + UNIT_BYTES - 1) / UNIT_BYTES);
}

static inline _Atomic uint32_t *block_addresses(const struct block *s_block, uint32_t count)
{
    return (_Atomic uint32_t *)((uintptr_t)s_block + sizeof(struct block) + MASK_WORDS(count) * 8);
}

static inline _Atomic uint16_t *block_ports(const struct block *s_block, uint32_t count)
{
    return (_Atomic uint16_t *)((uintptr_t)block_addresses(s_block, count) + count * 4);
}

static inline uint64_t ref_make(uint64_t version, uint32_t unit)
{
    return version << REF_UNIT_BITS | unit;
}

static inline uint32_t ref_unit(uint64_t ref)
{
    return (uint32_t)(ref & REF_UNIT_MASK);
}

static inline uint64_t ref_version(uint64_t ref)
{
    return ref >> REF_UNIT_BITS;
}

/* Changes when a size or an offset changes that two builds must agree on. */
static inline uint32_t layout_fingerprint(void)
{
    const uint32_t choices[] = {
        HEADER_BYTES,
        BUCKET_SLOTS,
        PROBE_MAX,
        UNIT_BYTES,
        HOSTS_MAX,
        REF_UNIT_BITS,
        LOOKUP_CELLS,
        MISS_CELLS,
        CALL_SUCC_BITS,
        DIRECTORY_NAME,
        sizeof(struct routes_header),
        offsetof(struct routes_header, counters),
        sizeof(struct block),
        sizeof(struct call_cell),
        sizeof(struct host_record),
        0x01020304 /* byte order: read back differently on another */,
    };
    uint32_t mark = 2166136261;
    for (unsigned i = 0; i < sizeof(choices) / sizeof(*choices); i++)
        for (unsigned byte = 0; byte < 4; byte++)
            mark = (mark ^ ((const uint8_t *)&choices[i])[byte]) * 16777619;
    return mark;
}

#endif
