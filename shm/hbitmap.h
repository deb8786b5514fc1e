/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical dirty bitmap: a bit per item, and two levels above it that say which words to visit. Clients set bits,
 * the fetcher collects them (writer/collect.c): visiting a million bits of which none is set reads a few words.
 */
#ifndef SHM_HBITMAP_H
#define SHM_HBITMAP_H

#include "shm/atomic.h"

struct hbitmap {
    _Atomic uint64_t *s_words[3]; /* [words[level]] */
    uint32_t words[3];
    uint32_t count; /* of items */
};

static inline void hbitmap_raise(_Atomic uint64_t *s_words, uint32_t at)
{
    if (!(load_seq_cst(&s_words[at / 64]) >> at % 64 & 1))
        set_bits_acq_rel(&s_words[at / 64], UINT64_C(1) << at % 64);
}

/*
 * Sets the bit of item `at` and those above it. Tests first, so that a bit that is set costs a shared cache line and no
 * more. All three levels each time: a client that died after the first one must not hide the bits of others.
 *
 * Release, because the bit of the next level says "visit this word": a collector that takes that bit must find this
 * one. Acquire, because when this update lands after the collector's take, the collector has cleared the level above
 * before, and the test of that level must see it cleared; otherwise the bit would stay set unseen. Level 0 is tested in
 * one order with the take of its word: a client that finds the bit set has stored what it stands for before the
 * collector reads that, provided that the store was add_seq_cst() (reader/call_stats.c).
 */
static inline void hbitmap_set(const struct hbitmap *map, uint32_t at)
{
    hbitmap_raise(map->s_words[0], at);
    hbitmap_raise(map->s_words[1], at / 64);
    hbitmap_raise(map->s_words[2], at / 64 / 64);
}

#endif
