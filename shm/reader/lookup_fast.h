/* SPDX-License-Identifier: MIT */
/*
 * The fast path from a key to its table: the key is in its home bucket or in the next one. Everything else takes the slow path,
 * index.h and table.h, which also finds the error code. R2 to R6 of PROTOCOL.md, once; nothing before them is ordered.
 */
#ifndef SHM_READER_LOOKUP_FAST_H
#define SHM_READER_LOOKUP_FAST_H

#include "shm/index.h"
#include "shm/table.h"

/*
 * The ref of the key if it is in this bucket, or 0. All refs are loaded, none waits for the keys, and no branch depends on which
 * key it is. If two slots held the key, the first would win, as in index_probe().
 *
 * Relaxed, keys and refs: nothing depends on them alone. A ref is drawn once, so a stamp that equals it was released with
 * the contents of its table (R2); a block without that stamp is left to the slow path.
 */
static inline uint64_t bucket_ref(const struct slot *s_slots, struct route_key key)
{
    uint64_t word = route_key_word(key);
    static_assert(BUCKET_SLOTS == 4, "four refs");
#define EVEN_ODDS(condition) __builtin_expect_with_probability((condition), 1, 0.5)
    uint64_t other = load_relaxed(&s_slots[3].ref);
    uint64_t ref = EVEN_ODDS(load_relaxed(&s_slots[3].key) == word) ? other : 0;
    other = load_relaxed(&s_slots[2].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[2].key) == word) ? other : ref;
    other = load_relaxed(&s_slots[1].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[1].key) == word) ? other : ref;
    other = load_relaxed(&s_slots[0].ref);
    ref = EVEN_ODDS(load_relaxed(&s_slots[0].key) == word) ? other : ref;
#undef EVEN_ODDS
    return ref;
}

/* False: buckets fill from the left, so a key of which this is the home bucket is in no other. Relaxed: the value alone matters. */
static inline bool bucket_is_full(const struct slot *s_slots)
{
    return load_relaxed(&s_slots[BUCKET_SLOTS - 1].key) != 0;
}

/* The ref of the key if it is in its home bucket or the next one, or 0. */
static inline uint64_t lookup_fast_ref(const struct routes *routes, const struct slot *s_home,
                                       struct route_key key)
{
    uint64_t ref = bucket_ref(s_home, key);
    return __builtin_expect(ref == 0, 0) && s_home != routes->s_last ? bucket_ref(s_home + BUCKET_SLOTS, key)
                                                                     : ref;
}

struct fast_table {
    const struct block *s_block;
    uint64_t ref;
};

/*
 * The table of the key that the ref leads to. False: none, or one in the last units of the arena, which the bounds here leave
 * out. True: what is read of the table is valid if block_intact() says so afterwards.
 */
static inline bool lookup_fast_at(const struct routes *routes, struct route_key key, uint64_t ref,
                                  struct fast_table *out)
{
    out->ref = ref;
    return __builtin_expect(table_block(routes, ref, key, routes->inner_bytes, &out->s_block), 1);
}

static inline bool lookup_fast(const struct routes *routes, struct route_key key, struct fast_table *out)
{
    return lookup_fast_at(routes, key, lookup_fast_ref(routes, index_home(routes, key), key), out);
}

/* The tick is at worst stale: see layout.h on it, PROTOCOL.md on what changes in place. */
static inline bool fast_table_fresh(const struct fast_table *table, uint64_t tick)
{
    return tick <= load_relaxed(&table->s_block->expires);
}

/* May be 0. */
static inline uint64_t fast_table_count(const struct fast_table *table)
{
    return load_relaxed(&table->s_block->count);
}

/* How many hosts get less than their share. */
static inline uint32_t fast_table_limited(const struct fast_table *table)
{
    return load_relaxed(&table->s_block->limited);
}

/*
 * Whether the table is of the common case: it is fresh, all of its hosts get their share, and they are 1 .. INNER_HOSTS; *count is
 * how many, then. Word by word: what is loaded before it is looked at needs registers, and those have to be saved.
 */
static inline bool fast_table_common(const struct fast_table *table, uint64_t tick, uint64_t *count)
{
    return __builtin_expect(fast_table_fresh(table, tick), 1) &&
           __builtin_expect(fast_table_limited(table) == 0, 1) &&
           __builtin_expect((*count = fast_table_count(table)) - 1 < INNER_HOSTS, 1);
}

/* Prefetches the block that a ref may lead to. Any ref will do: a prefetch never faults. */
static inline void lookup_fast_fetch(const struct routes *routes, uint64_t ref)
{
    __builtin_prefetch((const char *)routes->s_arena + ref_offset(ref));
}

/* A host of a table of `count` hosts, 1 .. INNER_HOSTS: its addresses come behind one word of states, then its ports. */
static inline struct host_addr fast_table_host(const struct fast_table *table, uint64_t count, uint64_t at)
{
    static_assert(STATE_WORDS(INNER_HOSTS) == 1, "fixed places");
    const _Atomic uint16_t *s_ports = (const _Atomic uint16_t *)table->s_block + 2 * count + at;
    return (struct host_addr){
        load_relaxed(block_addresses(table->s_block, INNER_HOSTS) + at),
        load_relaxed(s_ports + (sizeof(struct block) + sizeof(uint64_t)) / sizeof(uint16_t))};
}

#endif
