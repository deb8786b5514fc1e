/* SPDX-License-Identifier: MIT */
/*
 * The fast path from a key to one host, for the common case: the key is in its home bucket, the table is fresh, and all
 * of its hosts are in rotation. Everything else takes the slow path, index.h and table.h, which also finds the error
 * code. R2 to R6 of PROTOCOL.md, once; nothing before them is ordered.
 */
#ifndef SHM_READER_LOOKUP_FAST_H
#define SHM_READER_LOOKUP_FAST_H

#include "shm/index.h"
#include "shm/table.h"

/*
 * The ref of the key if that is in its home bucket. If not, any other: of the last slot, 0 where the bucket has room. All
 * refs are loaded, none waits for the keys, and no branch depends on which key it is. If two slots held the key, the
 * first would win, as in index_probe().
 *
 * Relaxed, keys and refs: nothing depends on them alone. A ref is drawn once, so a stamp that equals it was released with
 * the contents of its table (R2); a block without that stamp is left to the slow path.
 */
static inline uint64_t lookup_fast_ref(const struct routes *routes, struct route_key key)
{
    uint64_t word = route_key_word(key);
    const struct slot *s_slots = index_home(routes, key);
    static_assert(BUCKET_SLOTS == 4, "four refs");
    uint64_t first = load_relaxed(&s_slots[0].ref), second = load_relaxed(&s_slots[1].ref),
             third = load_relaxed(&s_slots[2].ref), ref = load_relaxed(&s_slots[3].ref);
#define EVEN_ODDS(condition) __builtin_expect_with_probability((condition), 1, 0.5)
    ref = EVEN_ODDS(load_relaxed(&s_slots[2].key) == word) ? third : ref;
    ref = EVEN_ODDS(load_relaxed(&s_slots[1].key) == word) ? second : ref;
    ref = EVEN_ODDS(load_relaxed(&s_slots[0].key) == word) ? first : ref;
#undef EVEN_ODDS
    return ref;
}

/*
 * The host that `phase` picks, a position on a circle of 2^32, scaled to the number of hosts. False: not the common case;
 * *out is undefined then.
 */
static inline bool lookup_fast(const struct routes *routes, struct route_key key, uint32_t phase,
                               struct host_addr *out)
{
    uint64_t ref = lookup_fast_ref(routes, key);
    const struct block *s_block;
    if (!table_block(routes, ref, key, &s_block))
        return false;
    uint32_t count = load_relaxed(&s_block->count);
    if (count == 0 || load_relaxed(&s_block->ejected) != 0)
        return false;
    /* At worst both are stale: see layout.h on the tick, PROTOCOL.md on what changes in place. */
    if (load_relaxed(&routes->s_header->tick) > load_relaxed(&s_block->expires))
        return false;
    const _Atomic uint32_t *s_addresses;
    const _Atomic uint16_t *s_ports;
    if (!table_hosts_within(routes, s_block, count, &s_addresses, &s_ports))
        return false;
    uint32_t at = (uint32_t)((uint64_t)phase * count >> 32);
    out->address = load_relaxed(&s_addresses[at]);
    out->port = load_relaxed(&s_ports[at]);
    return block_intact(s_block, ref);
}

#endif
