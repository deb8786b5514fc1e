/* SPDX-License-Identifier: MIT */
#include "shm/writer/collect.h"

#include "shm/atomic.h"

/* The bits of `mask` that stand for words `from` .. `to` - 1, where bit 0 stands for word `base`. */
static uint64_t within(uint64_t mask, uint32_t base, uint32_t from, uint32_t to)
{
    if (from > base)
        mask = from - base < 64 ? mask & ~UINT64_C(0) << (from - base) : 0;
    if (to < base + 64)
        mask = to > base ? mask & ~UINT64_C(0) >> (64 - (to - base)) : 0;
    return mask;
}

struct flag_collector {
    const struct hbitmap *flags;
    uint32_t budget; /* flags that may still be collected */
    bool (*flagged)(void *context, uint32_t at);
    void *context;
};

static void collect_word(struct flag_collector *collector, uint32_t word)
{
    /* Pairs with hbitmap_set(), as do the takes below: see there. Bits beyond the last item are noise. */
    uint64_t bits = take_seq_cst(&collector->flags->s_words[0][word]);
    for (; bits; bits &= bits - 1) {
        uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(bits);
        collector->budget -= collector->budget > 0;
        if (at < collector->flags->count && !collector->flagged(collector->context, at))
            collector->budget = 0;
    }
}

/*
 * Collects the flags of words `from` .. `to` - 1 under bit `group` of level 2, highest level first: a client sets them in
 * the opposite order, so a flag that is set meanwhile sets the levels above it again. Flags beyond the budget are put
 * back lowest level first, for the same reason. Returns the word after the last one collected.
 */
static uint32_t collect_group(struct flag_collector *collector, uint32_t group, uint32_t from, uint32_t to)
{
    const struct hbitmap *flags = collector->flags;
    uint32_t base = group * 64;
    uint64_t group_bit = UINT64_C(1) << group % 64;
    clear_bits_acq_rel(&flags->s_words[2][group / 64], group_bit);
    uint64_t flagged = take_acq_rel(&flags->s_words[1][group]);
    uint64_t left = flagged & ~within(flagged, base, from, to);
    uint32_t next = to;
    for (uint64_t mine = flagged & ~left; mine; mine &= mine - 1) {
        uint32_t word = base + (uint32_t)__builtin_ctzll(mine);
        if (collector->budget == 0) {
            left |= mine;
            next = word;
            break;
        }
        collect_word(collector, word);
    }
    if (left) {
        set_bits_acq_rel(&flags->s_words[1][group], left);
        set_bits_acq_rel(&flags->s_words[2][group / 64], group_bit);
    }
    return next;
}

/* Returns the word where it stopped, `to` if it came to the end. */
static uint32_t collect_range(struct flag_collector *collector, uint32_t from, uint32_t to)
{
    const struct hbitmap *flags = collector->flags;
    uint32_t word = from;
    while (word < to && collector->budget > 0) {
        uint32_t group = word / 64;
        uint64_t groups = load_acquire(&flags->s_words[2][group / 64]) >> group % 64;
        if (groups == 0) {
            word = (group / 64 + 1) * 64 * 64;
        } else if (!(groups & 1)) {
            word = (group + (uint32_t)__builtin_ctzll(groups)) * 64;
        } else {
            uint32_t end = (group + 1) * 64 < to ? (group + 1) * 64 : to;
            word = collect_group(collector, group, word, end);
        }
    }
    return word < to ? word : to;
}

void collect_flags(const struct hbitmap *flags, uint32_t *cursor, uint32_t budget,
                   bool (*flagged)(void *context, uint32_t at), void *context)
{
    struct flag_collector collector = {
        .flags = flags, .budget = budget, .flagged = flagged, .context = context};
    uint32_t words = flags->words[0];
    uint32_t start = *cursor < words ? *cursor : 0;
    uint32_t stopped = collect_range(&collector, start, words);
    if (stopped == words)
        stopped = collect_range(&collector, 0, start);
    *cursor = stopped;
}

void collect_misses(const struct control *control, uint32_t *cursor,
                    bool (*missed)(void *context, struct route_key key), void *context)
{
    _Atomic uint64_t *s_summary = &control->s_header->miss_summary[0];
    if (load_relaxed(s_summary) == 0)
        return;
    /* Pairs with demand_route(): a key that is stored after its cell was read sets its bit again. Not airtight where a
     * read-modify-write is no full barrier, since the cells are read with plain loads: a key may wait there unseen until
     * it is looked up again, which is soon if a client needs it. */
    uint64_t groups = take_acq_rel(s_summary);
    uint32_t cell = *cursor % MISS_CELLS;
    bool more = true;
    for (uint32_t i = 0; i < MISS_CELLS && more; i++, cell = (cell + 1) % MISS_CELLS) {
        if (!(groups >> cell / 64 & 1))
            continue;
        _Atomic uint64_t *s_cell = &control->s_misses[cell];
        uint64_t word = load_relaxed(s_cell) ? take_acq_rel(s_cell) : 0;
        if (word)
            more = missed(context, route_key_from_word(word));
    }
    if (!more)
        set_bits_acq_rel(s_summary, groups); /* also of groups that are done: they are visited once more */
    *cursor = cell;
}

struct lookup_counts collect_lookups(const struct control *control)
{
    struct lookup_counts sum = {0};
    for (int i = 0; i < LOOKUP_CELLS; i++) {
        struct lookup_cell *s_cell = &control->s_lookups[i];
        /* The test keeps cells that no thread uses from bouncing between caches at each collection. */
        if (load_relaxed(&s_cell->lookups))
            sum.lookups += take_relaxed(&s_cell->lookups);
        if (load_relaxed(&s_cell->missed))
            sum.missed += take_relaxed(&s_cell->missed);
        if (load_relaxed(&s_cell->expired))
            sum.expired += take_relaxed(&s_cell->expired);
    }
    return sum;
}
