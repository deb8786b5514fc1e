/* SPDX-License-Identifier: MIT */
#include "shm/ask.h"

#include "shm/atomic.h"

enum {
    MISS_CHOICES = 4
}; /* cells that a key may use; they share a cache line */

/*
 * Tests before it sets, so that a bit that is up costs a shared cache line and no more. Release, because the bit
 * of the next level says "look at this word": a harvester that takes that bit must find this one. Acquire, because
 * when this update lands after the harvester's take, the harvester has cleared the level above before, and the
 * test of that level must see it cleared; otherwise the flag would stay up unseen.
 */
static void raise_bit(_Atomic uint64_t *s_words, uint32_t bit)
{
    uint64_t mask = UINT64_C(1) << bit % 64;
    if (!(load_acquire(&s_words[bit / 64]) & mask))
        set_bits_acq_rel(&s_words[bit / 64], mask);
}

void ask_refresh(const struct control *control, uint32_t slot)
{
    /* All three levels each time: a client that died after the first one must not silence the others. */
    uint32_t bit = slot;
    for (int level = 0; level < 3; level++) {
        raise_bit(control->s_flags[level], bit);
        bit /= 64;
    }
}

void ask_route(const struct control *control, uint64_t key)
{
    uint64_t word = key_word(key);
    uint32_t group = bucket_home(key_hash(key, 0), MISS_CELLS / MISS_CHOICES);
    _Atomic uint64_t *s_cells = &control->s_misses[group * MISS_CHOICES];
    bool waiting = false;
    for (int i = 0; i < MISS_CHOICES && !waiting; i++)
        waiting = load_relaxed(&s_cells[i]) == word;
    for (int i = 0; i < MISS_CHOICES && !waiting; i++)
        waiting = load_relaxed(&s_cells[i]) == 0 && claim_acq_rel(&s_cells[i], word);
    /* Raised even when the cells are full: whoever filled them may have died before raising it. */
    raise_bit(control->s_header->miss_summary, group * MISS_CHOICES / 64);
}

void ask_count(const struct control *control, uint32_t cell, uint32_t lookups, uint32_t missed,
               uint32_t expired)
{
    struct lookup_cell *s_cell = &control->s_lookups[cell % LOOKUP_CELLS];
    /* Relaxed: sums for people; nothing is concluded from one of them about another word. */
    if (lookups)
        add_relaxed(&s_cell->lookups, lookups);
    if (missed)
        add_relaxed(&s_cell->missed, missed);
    if (expired)
        add_relaxed(&s_cell->expired, expired);
}
