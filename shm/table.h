/* SPDX-License-Identifier: MIT */
/*
 * The reader half of a slot: from a slot number to one host table, consistent or recognised as not. This is all of
 * G2 on the reading side; PROTOCOL.md argues it.
 *
 *      table_begin()   acquire the ref, acquire the stamp, compare; if they differ, fence, and acquire the ref again
 *      ...             read the contents, relaxed
 *      table_intact()  fence, compare the stamp again; false: discard what was read, and begin again
 */
#ifndef SHM_TABLE_H
#define SHM_TABLE_H

#include <stdbool.h>

#include "shm/atomic.h"
#include "shm/expiry.h"
#include "shm/host_addr.h"
#include "shm/routes.h"
#include "shm/status.h"

struct table {
    const struct block *s_block;
    const _Atomic uint32_t *s_addresses;
    const _Atomic uint16_t *s_ports;
    const _Atomic uint64_t *s_states; /* [STATE_WORDS(count)] */
    uint64_t ref;
    uint64_t expires; /* as stored: bit 63 is PULLING */
    uint32_t count;
    uint32_t limited; /* hosts that get less than their share */
    uint32_t ttl_s;
};

/* Each retry needs a publish that overtook this reader; so many retries happen only with broken memory. */
enum {
    TABLE_RETRIES = 1000
};

/* The bounds of R1, R2, and the key of R3: whether `ref` leads to a block of `key` that begins in the first `bytes` of the
 * arena, and to which. */
static inline bool table_block(const struct routes *routes, uint64_t ref, struct route_key key,
                               uint64_t bytes, const struct block **s_out)
{
    uint64_t offset = ref_offset(ref);
    /* Version 0 is never drawn: a ref could be 0 then, like that of an empty slot, and like the stamp of a block
     * that is being written. */
    if (ref <= REF_UNIT_MASK || offset >= bytes)
        return false;
    const struct block *s_block = *s_out = (const struct block *)((const char *)routes->s_arena + offset);
    /* Pairs with the release of the stamp in write_block(): the contents are at least this table's. */
    return __builtin_expect(load_acquire(&s_block->stamp) == ref, 1) &&
           __builtin_expect(load_relaxed(&s_block->key) == route_key_number(key), 1);
}

/* True if all that was read from the block since table_block() belongs to the table of `ref`: R5 and R6. */
static inline bool block_intact(const struct block *s_block, uint64_t ref)
{
    /* Pairs with the fence_release() in publisher.c write_block(): had a content load seen a word of the next
     * table, then the stamp load after this fence sees that table's stamp = 0, or something later. Without it the
     * stamp could be loaded before the contents, and a mix would pass. */
    fence_acquire();
    return load_acquire(&s_block->stamp) == ref;
}

/* Likewise since table_begin(). */
static inline bool table_intact(const struct table *table)
{
    return block_intact(table->s_block, table->ref);
}

/* R3: finds the hosts of a block. False: not all of them lie within the arena. */
static inline bool table_hosts_within(const struct routes *routes, const struct block *s_block,
                                      uint32_t count, const _Atomic uint32_t **s_addresses,
                                      const _Atomic uint16_t **s_ports)
{
    *s_addresses = block_addresses(s_block, count);
    *s_ports = block_ports(s_block, count);
    return count <= HOSTS_MAX && (const void *)(*s_ports + count) <= routes->s_end;
}

/*
 * The table that the ref leads to. False: see table_block(), or it does not lie within the arena. Fills *out field by
 * field: a copy of a whole struct would load wider words than were just stored, and such a load waits for the stores.
 */
static inline bool table_at(const struct routes *routes, uint64_t ref, struct route_key key,
                            struct table *out)
{
    const struct block *s_block;
    if (!table_block(routes, ref, key, (uint64_t)routes->arena_units * UNIT_BYTES, &s_block))
        return false;
    uint32_t count = load_relaxed(&s_block->count);
    if (!table_hosts_within(routes, s_block, count, &out->s_addresses, &out->s_ports))
        return false;
    out->s_block = s_block;
    out->s_states = s_block->states;
    out->ref = ref;
    out->expires = load_relaxed(&s_block->expires);
    out->count = count;
    out->limited = load_relaxed(&s_block->limited);
    out->ttl_s = load_relaxed(&s_block->ttl_s);
    return true;
}

/*
 * Reads slot `number`, which holds `key`. SHM_CORRUPT: no writer leaves a slot like this. Bounded: every round but
 * the last needs a ref that changed meanwhile, and there are at most TABLE_RETRIES of them.
 */
static inline enum shm_status table_begin(const struct routes *routes, uint32_t number, struct route_key key,
                                          struct table *out)
{
    const struct slot *s_slot = routes_slot(routes, number);
    /* Pairs with the release of the ref in publisher.c: what the stamp guards is visible once the ref is. */
    uint64_t ref = load_acquire(&s_slot->ref);
    for (int round = 0; round < TABLE_RETRIES; round++) {
        if (table_at(routes, ref, key, out))
            return SHM_OK;
        /*
         * R7. A block is reused only after the ref has moved on, so a reader that sees the stamp or the contents of
         * a later table finds a newer ref; the same one again means that no writer wrote this. A stamp was
         * acquired, and is enough; a key or a count of a later table was not. The fence pairs with the
         * fence_release() in publisher.c write_block(): without it the ref could be loaded as it was before, and a
         * good slot be called corrupt.
         */
        fence_acquire();
        uint64_t newer = load_acquire(&s_slot->ref);
        if (newer == ref)
            return SHM_CORRUPT;
        ref = newer;
    }
    return SHM_CORRUPT;
}

/* Copies all hosts, relaxed: the second step of the three above. */
static inline void table_hosts(const struct table *table, struct host_addr *out)
{
    for (uint32_t i = 0; i < table->count; i++)
        out[i] = (struct host_addr){load_relaxed(&table->s_addresses[i]), load_relaxed(&table->s_ports[i])};
}

/* When the directory gave or confirmed the table, as a tick. */
static inline uint64_t table_fetched(const struct table *table)
{
    return expiry_fetched(route_key_from_number(load_relaxed(&table->s_block->key)),
                          table->expires & ~EXPIRES_PULLING, table->ttl_s);
}

/* Unix time in milliseconds of the snapshot that the table is from, and as which it was not confirmed since; 0: none. */
static inline uint64_t table_snapshot(const struct routes *routes, const struct table *table)
{
    const struct routes_header *s_header = routes->s_header;
    return table->count && table_fetched(table) <= s_header->snapshot_tick ? s_header->snapshot_time : 0;
}

/* In seconds. A table from a snapshot has expired whatever its age, so its own ttl_s may be shorter. */
static inline uint32_t table_update_timeout(const struct routes *routes, const struct table *table)
{
    return table_snapshot(routes, table) ? settings_read(&routes->s_header->settings).update_timeout_s
                                         : table->ttl_s;
}

#endif
