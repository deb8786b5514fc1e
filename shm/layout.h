/* SPDX-License-Identifier: MIT */
/*
 * The ABI: every byte of the three shared objects. Native byte order, except addresses and ports, which are in
 * network byte order as struct sockaddr_in wants them. All times are ticks, see clock.h: CLOCK_BOOTTIME in milliseconds,
 * and TICK_ORIGIN; without that in the hosts object, which has the layout of 0.1.
 *
 *  ROUTES OBJECT  /larshm.<instance>            one fetcher process writes, all processes read
 *
 *      0                    4096                  index_offset + 64 * bucket_count        + 64 * arena_units
 *      | struct routes_header | struct bucket [...] | arena: 64-byte units ............ | u64 [ring_entries] | ...
 *                             ^ index_offset        ^ arena_offset                      ^ ring_offset
 *
 *  The parts behind the arena may be others in later versions. The header says where each is; 0: absent.
 *
 *  Ring of changes: change number n is of the route whose ~key is in entry n % ring_entries; 0: none. routes_header.changes
 *  is the number of the next one.
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
 *      | stamp | key | expires | limited | marks | count | ttl_s | states[(count + 15) / 16] : u64
 *                                                                | address[count]             : u32, network order
 *                                                                | port[count]                : u16, network order
 *
 *      stamp      the ref that leads here; 0 while the block is being written
 *      expires    tick after which the table is to be refreshed; bit 63: PULLING, expires never
 *      limited    hosts that get less than their even share; where it is 0, readers skip `states`; or LIMITED_REPLACED
 *      marks      0, or that an answer is held back: why, and until when; or MARK_SPARED; see hold_mark.h
 *      count      0: the directory says that there is no such route
 *      ttl_s      seconds from fetch to expiry at the latest: expiry.h has when it expires, and when it was fetched
 *      states     of word i / 16, bits 4 * (i % 16) and up: enum host_share of host i
 *
 *  CONTROL OBJECT  /larshm.<instance>.control   clients write, the fetcher collects. Contents are never trusted. Made with
 *  a routes object, and replaced alone where it is damaged: routes_header.control says which one is in use.
 *
 *      each part begins on a cache line of its own
 *      0                       4096             + 64 * LOOKUP_CELLS  + 8 * MISS_CELLS
 *      | struct control_header | lookup_cell [] | miss cells: u64 [] | stale: flags | probes: u32 [slots] | ...
 *      ... | reported: flags | use_cell [USE_CELLS] | successes: u64 [call_cells], CALL_SHARDS times | ...
 *      ... | struct call_cell [call_cells] |
 *
 *  Flags come in three levels: level 0 has a bit per item, level 1 a bit per word of level 0, level 2 a bit per word
 *  of level 1. The items of `stale` are slots of the routes object with the same generation (slot = 4 * bucket + place),
 *  those of `reported` are call cells. A miss cell holds ~key; 0: empty. `probes` is when
 *  the next probe of the route's ejected hosts is due, a tick in sixteenths; under Lars' rules it counts picks. A call cell
 *  belongs to the host that the first client to need it has named in it. A use cell has any route that was looked up, and how
 *  many lookups it stands for.
 *
 *  HOSTS OBJECT  /larshm.<instance>.hosts       the fetcher writes; for people. Lookups never read it.
 *
 *      0                     4096                  + record_count * sizeof(struct host_record)
 *      | struct hosts_header | struct host_record [] |
 *
 *  A record for each host of each route that has results or an override, or has left lately ([loadbalance] memory);
 *  and one of the route itself, host 0, for results of hosts that it does not have. The two halves of a record are
 *  written alternately: version v is in half v % 2.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/clock.h"
#include "shm/expiry.h"
#include "shm/host_addr.h"
#include "shm/route_key.h"

#define ROUTES_MAGIC  UINT64_C(0x314d48535241414c) /* "LAARSHM1" read as little-endian bytes */
#define CONTROL_MAGIC UINT64_C(0x31544c435241414c) /* "LAARCLT1" */
#define HOSTS_MAGIC   UINT64_C(0x315453485241414c) /* "LAARHST1" */

enum {
    LAYOUT_VERSION = 4,
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
    SNAPSHOT_TEXT = 192,
    LATENCY_BUCKETS = 14,
    TOP_ROUTES = 64,
    USE_CELLS = 256,
    HOST_WORDS = 14,
    RING_ENTRIES = 4096, /* in the ring of changes that this version makes */
    RING_ENTRIES_MAX = 1 << 24,
    RING_BYTES = RING_ENTRIES * 8,
    ANNOUNCED_LOOK_MS = 10, /* how often a reader looks for an announced generation; not part of the layout */
};

#define REF_UNIT_MASK   ((UINT64_C(1) << REF_UNIT_BITS) - 1)
#define VERSION_MAX     ((UINT64_C(1) << REF_VERSION_BITS) - 1)
#define EXPIRES_PULLING (UINT64_C(1) << 63)
#define ARENA_UNITS_MAX (UINT32_C(1) << REF_UNIT_BITS)
#define BUCKETS_MAX     (UINT32_C(1) << 26)

/* First in every object, so that a foreign one is recognised before anything else is read. Never changes. */
struct object_id {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t fingerprint; /* layout_fingerprint(): choices that layout_version might miss */
    uint64_t size;        /* bytes of the whole object */
    /* Its number: Unix time in milliseconds of its creation, or more, so that it is larger than all before. That of the
     * control object is in routes_header.control, too. */
    uint64_t generation;
};

/* The layout that was released before. A fetcher adopts its objects: their cells and records are the same, and
 * writer/adopted_table.h knows their tables. The hosts object is still of that layout, and says so. */
enum {
    LAYOUT_RELEASED = 2,
};
#define FINGERPRINT_RELEASED UINT32_C(0x54cf9775)

#include "shm/layout_control.h"
#include "shm/layout_hosts.h"
#include "shm/layout_routes.h"

/* Every field of the objects. Settings and counters are appended to, so their places are not among them. */
/* clang-format off */
#define LAYOUT_FIELDS(X)                                                                          \
    X(object_id, magic) X(object_id, layout_version) X(object_id, fingerprint) X(object_id, size) \
    X(object_id, generation)                                                                      \
    X(routes_header, bucket_count) X(routes_header, arena_units) X(routes_header, index_offset)   \
    X(routes_header, call_cells) X(routes_header, arena_offset) X(routes_header, hash_seed)       \
    X(routes_header, tick) X(routes_header, superseded) X(routes_header, doorbell)                \
    X(routes_header, refusing) X(routes_header, settings) X(routes_header, hosts_full)            \
    X(routes_header, fetcher_pid) X(routes_header, fetcher_state)                                 \
    X(routes_header, fetcher_since) X(routes_header, connection)                                  \
    X(routes_header, connection_tick) X(routes_header, version) X(routes_header, max_bytes)       \
    X(routes_header, control) X(routes_header, changes) X(routes_header, data_version) X(routes_header, directory_changes)                                 \
    X(routes_header, directory_even) X(routes_header, directory_odd) X(routes_header, counters)   \
    X(routes_header, parts_bytes) X(routes_header, versions_offset)                               \
    X(routes_header, ring_offset) X(routes_header, ring_entries)                                  \
    X(routes_header, snapshot_time) X(routes_header, snapshot_tick)                               \
    X(routes_header, snapshot) X(routes_header, snapshot_off) X(routes_header, snapshot_written)  \
    X(routes_header, latency) X(routes_header, latency_sum) X(routes_header, top_changes)         \
    X(routes_header, top_routes) X(published_use, key) X(published_use, lookups)                  \
    X(slot, key) X(slot, ref)                                                                     \
    X(block, stamp) X(block, key) X(block, expires) X(block, limited) X(block, marks)             \
    X(block, count) X(block, ttl_s) X(block, states)                                               \
    X(lookup_cell, lookups) X(lookup_cell, missed) X(lookup_cell, expired)                        \
    X(use_cell, key) X(use_cell, lookups)                                                         \
    X(call_cell, key) X(call_cell, host) X(call_cell, counts) X(call_cell, extra)                 \
    X(call_cell, err_runs) X(call_cell, succ_run) X(call_cell, taken) X(call_cell, taken_extra)   \
    X(control_header, slot_count) X(control_header, call_cells) X(control_header, threads)        \
    X(control_header, refused) X(control_header, knock) X(control_header, miss_summary)           \
    X(hosts_header, record_count) X(hosts_header, used)                                           \
    X(host_record, key) X(host_record, host) X(host_record, version) X(host_record, halves)       \
    X(host_entry, health) X(host_entry, generation) X(host_entry, counts) X(host_entry, extra)    \
    X(host_entry, cell) X(host_entry, left_s) X(host_entry, absorbed)                                                   \
    X(host_health, total_succ) X(host_health, total_err) X(host_health, since)                    \
    X(host_health, window) X(host_health, vsucc) X(host_health, verr) X(host_health, rsucc)       \
    X(host_health, rerr) X(host_health, contin_succ) X(host_health, contin_err)                   \
    X(host_health, value) X(host_health, limit) X(host_health, state) X(host_health, override)    \
    X(host_health, reason) X(host_health, badness) X(host_health, level)
/* clang-format on */

#define WORD_HALVES(word) (uint32_t)(word), (uint32_t)((uint64_t)(word) >> 32)

/* Changes when a size, a place, a value or a form changes that two builds must agree on. */
static inline uint32_t layout_fingerprint(void)
{
    const uint32_t choices[] = {
#define X(type, field) offsetof(struct type, field),
        LAYOUT_FIELDS(X)
#undef X
            HEADER_BYTES,
        BUCKET_SLOTS,
        PROBE_MAX,
        UNIT_BYTES,
        HOSTS_MAX,
        REF_UNIT_BITS,
        LOOKUP_CELLS,
        MISS_CELLS,
        USE_CELLS,
        TOP_ROUTES,
        LATENCY_BUCKETS,
        CALL_SUCC_BITS,
        CALL_SHARDS,
        DIRECTORY_NAME,
        HOST_WORDS,
        sizeof(struct routes_header),
        sizeof(struct bucket),
        sizeof(struct lookup_cell),
        sizeof(struct use_cell),
        sizeof(struct call_cell),
        sizeof(struct control_header),
        sizeof(struct host_record),
        sizeof(struct host_entry),
        SUPERSEDED_SOON,
        SUPERSEDED_YES,
        FETCHER_RUNNING,
        FETCHER_STOPPED,
        CONNECTION_UP,
        REFUSING_NO_SPACE,
        HOLD_UNCONFIRMED,
        HOST_EJECTED,
        OVERRIDE_PINNED,
        OVERRIDE_DRAINED,
        REASONS,
        WORD_HALVES(EXPIRES_PULLING),
        WORD_HALVES(TICK_ORIGIN),
        WORD_HALVES(expiry_tick(route_key(1, 2), 3, UINT16_MAX)),
        WORD_HALVES(share_bits(1, SHARE_EJECTED)),
        WORD_HALVES(share_bits(17, SHARE_DRAINED)),
        SHARE_FULL,
        SHARE_EIGHTHS,
        WORD_HALVES(ref_make(1, 2)),
        WORD_HALVES((uintptr_t)block_addresses(NULL, 33)),
        WORD_HALVES((uintptr_t)block_ports(NULL, 33)),
        WORD_HALVES(err_runs_pack((struct err_runs){1, 2, 3})),
        WORD_HALVES(route_key_word(route_key(1, 2))),
        WORD_HALVES(host_addr_word((struct host_addr){3, 4})),
        WORD_HALVES(route_key_hash(route_key(1, 2), 3)),
        WORD_HALVES(host_addr_hash(route_key(1, 2), (struct host_addr){3, 4}, 5)),
        hash_scale(route_key_hash(route_key(1, 2), 3), 1000),
        0x01020304 /* byte order: read back differently on another */,
    };
    uint32_t mark = 2166136261;
    for (unsigned i = 0; i < sizeof(choices) / sizeof(*choices); i++)
        for (unsigned byte = 0; byte < 4; byte++)
            mark = (mark ^ ((const uint8_t *)&choices[i])[byte]) * 16777619;
    return mark;
}

#endif
