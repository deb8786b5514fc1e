/* SPDX-License-Identifier: MIT */
/*
 * The fast path from a key to its table, for the common case: the key is in its home bucket or in the next one, and the table
 * is fresh. Everything else takes the slow path, index.h and table.h, which also finds the
 * error code. R2 to R6 of PROTOCOL.md, once; nothing before them is ordered.
 */
#ifndef SHM_READER_LOOKUP_FAST_H
#define SHM_READER_LOOKUP_FAST_H

#include "shm/index.h"
#include "shm/table.h"

/*
 * The ref of the key if it is in this bucket. If not, any other: of the last slot, 0 where the bucket has room. All refs are
 * loaded, none waits for the keys, and no branch depends on which key it is. If two slots held the key, the first would
 * win, as in index_probe().
 *
 * Relaxed, keys and refs: nothing depends on them alone. A ref is drawn once, so a stamp that equals it was released with
 * the contents of its table (R2); a block without that stamp is left to the slow path.
 */
static inline uint64_t lookup_fast_ref(const struct slot *s_slots, struct route_key key)
{
    uint64_t word = route_key_word(key);
    static_assert(BUCKET_SLOTS == 4, "four refs");
#define EVEN_ODDS(condition) __builtin_expect_with_probability((condition), 1, 0.5)
    uint64_t ref = load_relaxed(&s_slots[3].ref), other = load_relaxed(&s_slots[2].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[2].key) == word) ? other : ref;
    other = load_relaxed(&s_slots[1].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[1].key) == word) ? other : ref;
    other = load_relaxed(&s_slots[0].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[0].key) == word) ? other : ref;
#undef EVEN_ODDS
    return ref;
}

/* A table that is fresh. */
struct fast_table {
    const struct block *s_block;
    uint64_t ref;
    uint64_t count;   /* may be 0 */
    uint32_t limited; /* hosts that get less than their share */
};

/*
 * False: not the common case; *out is undefined then. So it is for a table in the last units of the arena, which the bounds here
 * leave out. True: what is read of the table is valid if block_intact() says so afterwards.
 */
static inline bool lookup_fast(const struct routes *routes, uint64_t tick, struct route_key key,
                               struct fast_table *out)
{
    const struct block *s_block;
    const struct slot *s_home = index_home(routes, key);
    for (const struct slot *s_slots = s_home;; s_slots += BUCKET_SLOTS) {
        out->ref = lookup_fast_ref(s_slots, key);
        if (__builtin_expect(table_block(routes, out->ref, key, routes->inner_bytes, &s_block), 1))
            break;
        if (s_slots != s_home || s_home == routes->s_last)
            return false;
    }
    out->s_block = s_block;
    out->count = load_relaxed(&s_block->count);
    out->limited = load_relaxed(&s_block->limited);
    /* At worst it is stale: see layout.h on the tick, PROTOCOL.md on what changes in place. */
    return __builtin_expect(tick <= load_relaxed(&s_block->expires), 1);
}

/* A host of a table of 1 .. INNER_HOSTS: its addresses come behind one word of states, then its ports. */
static inline struct host_addr fast_table_host(const struct fast_table *table, uint64_t at)
{
    static_assert(STATE_WORDS(INNER_HOSTS) == 1, "fixed places");
    const _Atomic uint16_t *s_ports = (const _Atomic uint16_t *)table->s_block + 2 * table->count + at;
    return (struct host_addr){
        load_relaxed(block_addresses(table->s_block, INNER_HOSTS) + at),
        load_relaxed(s_ports + (sizeof(struct block) + sizeof(uint64_t)) / sizeof(uint16_t))};
}

#endif
