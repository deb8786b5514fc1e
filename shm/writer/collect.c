/* SPDX-License-Identifier: MIT */
#include "shm/writer/collect.h"

#include "shm/atomic.h"

/* In a cell: more than programs look up between two polls. */
#define LOOKUPS_MOST (UINT64_C(1) << 32)

/* The bits of `mask` that stand for words `from` .. `to` - 1, where bit 0 stands for word `base`. */
static uint64_t within(uint64_t mask, uint32_t base, uint32_t from, uint32_t to)
{
    if (from > base)
        mask = from - base < 64 ? mask & ~UINT64_C(0) << (from - base) : 0;
    if (to < base + 64)
        mask = to > base ? mask & ~UINT64_C(0) >> (64 - (to - base)) : 0;
    return mask;
}

struct flag_round flag_round_begin(const struct hbitmap *map, uint32_t cursor)
{
    uint32_t words = map->words[0], start = cursor < words ? cursor : 0;
    return (struct flag_round){.map = map, .start = start, .word = start, .end = words};
}

/*
 * Level 2 before level 1, and level 1 before level 0: a client sets its bits in the opposite order, so a flag that is set
 * while we look sets the levels above it again.
 */
static void take_group(struct flag_round *round, uint32_t group)
{
    const struct hbitmap *map = round->map;
    clear_bits_acq_rel(&map->s_words[2][group / 64], UINT64_C(1) << group % 64);
    uint64_t words = take_acq_rel(&map->s_words[1][group]);
    round->in_group = true;
    round->group = group;
    round->words = within(words, group * 64, round->word, round->end);
    round->later = words & ~round->words;
}

/* What is put back goes back lowest level first, for the same reason. */
static void leave_group(struct flag_round *round, uint64_t words)
{
    const struct hbitmap *map = round->map;
    if (words) {
        set_bits_acq_rel(&map->s_words[1][round->group], words);
        set_bits_acq_rel(&map->s_words[2][round->group / 64], UINT64_C(1) << round->group % 64);
    }
    round->in_group = false;
    round->word = (round->group + 1) * 64;
}

/* Takes the next group with a flag. False: this half of the round is over. */
static bool next_group(struct flag_round *round)
{
    while (round->word < round->end) {
        uint32_t group = round->word / 64;
        uint64_t groups = load_acquire(&round->map->s_words[2][group / 64]) >> group % 64;
        if (groups & 1) {
            take_group(round, group);
            return true;
        }
        round->word = groups ? (group + (uint32_t)__builtin_ctzll(groups)) * 64 : (group / 64 + 1) * 64 * 64;
    }
    return false;
}

/* Takes the flags of the next word. False: the round is over. */
static bool next_word(struct flag_round *round)
{
    while (!round->in_group || !round->words) {
        if (round->in_group)
            leave_group(round, round->later);
        if (next_group(round))
            continue;
        if (round->wrapped)
            return false;
        round->wrapped = true;
        round->word = 0;
        round->end = round->start;
    }
    round->taken = round->group * 64 + (uint32_t)__builtin_ctzll(round->words);
    round->words &= round->words - 1;
    /* Pairs with hbitmap_set(), as do the takes above: see there. */
    round->bits = take_seq_cst(&round->map->s_words[0][round->taken]);
    return true;
}

bool flag_round_next(struct flag_round *round, uint32_t *at)
{
    do {
        while (!round->bits)
            if (!next_word(round))
                return false;
        *at = round->taken * 64 + (uint32_t)__builtin_ctzll(round->bits);
        round->bits &= round->bits - 1;
    } while (*at >= round->map->count); /* noise: there is no such item */
    return true;
}

uint32_t flag_round_end(struct flag_round *round)
{
    if (!round->in_group)
        return round->start;
    uint64_t words = round->words;
    if (round->bits) {
        set_bits_acq_rel(&round->map->s_words[0][round->taken], round->bits);
        words |= UINT64_C(1) << round->taken % 64;
    }
    uint32_t cursor = words ? round->group * 64 + (uint32_t)__builtin_ctzll(words) : (round->group + 1) * 64;
    leave_group(round, words | round->later);
    return cursor;
}

struct miss_round miss_round_begin(const struct control *control, uint32_t cursor)
{
    _Atomic uint64_t *s_summary = &control->s_header->miss_summary[0];
    /* Pairs with demand_route(): a key that is put after its cell was looked at sets its bit again. Not airtight where a
     * read-modify-write is no full barrier, for the cells are looked at with plain loads: a key may wait there unseen
     * until it is looked up again, which is soon if it is wanted. */
    return (struct miss_round){.control = control,
                               .groups = load_relaxed(s_summary) ? take_acq_rel(s_summary) : 0,
                               .cell = cursor % MISS_CELLS};
}

bool miss_round_next(struct miss_round *round, struct route_key *key)
{
    while (round->groups && round->looked < MISS_CELLS) {
        uint32_t cell = round->cell;
        round->cell = (cell + 1) % MISS_CELLS;
        round->looked++;
        if (!(round->groups >> cell / 64 & 1))
            continue;
        _Atomic uint64_t *s_cell = &round->control->s_misses[cell];
        uint64_t word = load_relaxed(s_cell) ? take_acq_rel(s_cell) : 0;
        if (word) {
            *key = route_key_from_word(word);
            return true;
        }
    }
    return false;
}

uint32_t miss_round_end(struct miss_round *round)
{
    /* Also of groups that are done: they are looked at once more. */
    if (round->groups && round->looked < MISS_CELLS)
        set_bits_acq_rel(&round->control->s_header->miss_summary[0], round->groups);
    return round->cell;
}

size_t collect_uses(const struct control *control, struct route_use out[static USE_CELLS])
{
    size_t count = 0;
    for (int i = 0; i < USE_CELLS && control->s_uses; i++) {
        struct use_cell *s_cell = &control->s_uses[i];
        /* The test is as in collect_lookups(). Relaxed: of a cell that another route takes over meanwhile, a sample counts for the
         * wrong one of the two. */
        uint64_t lookups = load_relaxed(&s_cell->lookups) ? take_relaxed(&s_cell->lookups) : 0;
        struct route_key key = route_key_from_word(load_relaxed(&s_cell->key));
        if (lookups && !route_key_is_none(key))
            out[count++] = (struct route_use){key, lookups < LOOKUPS_MOST ? lookups : LOOKUPS_MOST};
    }
    return count;
}

struct lookup_counts collect_lookups(const struct control *control)
{
    struct lookup_counts sum = {0};
    for (int i = 0; i < LOOKUP_CELLS; i++) {
        struct lookup_cell *s_cell = &control->s_lookups[i];
        /* The test keeps cells that no thread uses from bouncing between caches at each poll. */
        if (load_relaxed(&s_cell->lookups))
            sum.lookups += take_relaxed(&s_cell->lookups);
        if (load_relaxed(&s_cell->missed))
            sum.missed += take_relaxed(&s_cell->missed);
        if (load_relaxed(&s_cell->expired))
            sum.expired += take_relaxed(&s_cell->expired);
    }
    return sum;
}
