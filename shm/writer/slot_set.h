/* SPDX-License-Identifier: MIT */
/* A set of slots, in the fetcher's heap: those whose routes are still to be copied to the next generation, or leave with it. */
#ifndef SHM_WRITER_SLOT_SET_H
#define SHM_WRITER_SLOT_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_SET_WORD = 64
};

/* Zeroed is empty, and has room for none. */
struct slot_set {
    uint64_t *words; /* a bit for each slot */
    uint32_t slots;  /* 0 .. slots - 1 */
    uint32_t count;  /* that are in it */
    uint32_t cursor; /* what is taken next lies behind it, or in front */
};

/* Begins with all slots in it. False: no memory. */
static inline bool slot_set_fill(struct slot_set *set, uint32_t slots)
{
    uint32_t words = (slots + SLOT_SET_WORD - 1) / SLOT_SET_WORD;
    *set = (struct slot_set){.words = malloc(words * sizeof(uint64_t)), .slots = slots, .count = slots};
    if (!set->words)
        return false;
    memset(set->words, 0xff, words * sizeof(uint64_t));
    if (slots % SLOT_SET_WORD)
        set->words[words - 1] = (UINT64_C(1) << slots % SLOT_SET_WORD) - 1;
    return true;
}

/* Begins without any. False: no memory. */
static inline bool slot_set_begin(struct slot_set *set, uint32_t slots)
{
    uint32_t words = (slots + SLOT_SET_WORD - 1) / SLOT_SET_WORD;
    *set = (struct slot_set){.words = calloc(words, sizeof(uint64_t)), .slots = slots};
    return set->words;
}

static inline bool slot_set_has(const struct slot_set *set, uint32_t slot)
{
    return set->count && set->words[slot / SLOT_SET_WORD] >> slot % SLOT_SET_WORD & 1;
}

static inline void slot_set_add(struct slot_set *set, uint32_t slot)
{
    uint64_t *word = &set->words[slot / SLOT_SET_WORD], bit = UINT64_C(1) << slot % SLOT_SET_WORD;
    set->count += !(*word & bit);
    *word |= bit;
}

static inline void slot_set_remove(struct slot_set *set, uint32_t slot)
{
    if (!slot_set_has(set, slot))
        return;
    set->words[slot / SLOT_SET_WORD] &= ~(UINT64_C(1) << slot % SLOT_SET_WORD);
    set->count--;
}

/* Takes the next one, in ascending order and then from the beginning again. False: it is empty. */
static inline bool slot_set_take(struct slot_set *set, uint32_t *slot)
{
    if (set->count == 0)
        return false;
    uint64_t mask = ~UINT64_C(0) << set->cursor % SLOT_SET_WORD;
    uint32_t words = (set->slots + SLOT_SET_WORD - 1) / SLOT_SET_WORD, at = set->cursor / SLOT_SET_WORD;
    while (!(set->words[at] & mask)) {
        mask = ~UINT64_C(0);
        at = at + 1 < words ? at + 1 : 0;
    }
    *slot = at * SLOT_SET_WORD + (uint32_t)__builtin_ctzll(set->words[at] & mask);
    set->words[at] &= ~(UINT64_C(1) << *slot % SLOT_SET_WORD);
    set->count--;
    set->cursor = *slot + 1 < set->slots ? *slot + 1 : 0;
    return true;
}

static inline void slot_set_free(struct slot_set *set)
{
    free(set->words);
    *set = (struct slot_set){0};
}

#endif
