/* SPDX-License-Identifier: MIT */
/*
 * A bit per thing, and two levels above it that say which words to look at. Clients raise, the fetcher takes
 * (harvest.c): a look at a million bits of which none is up reads a few words.
 */
#ifndef SHM_HBITMAP_H
#define SHM_HBITMAP_H

#include "shm/atomic.h"

struct hbitmap {
    _Atomic uint64_t *s_words[3]; /* [words[level]] */
    uint32_t words[3];
    uint32_t count; /* of things */
};

/*
 * Raises the bit of thing `at` and those above it. Tests before it sets, so that a bit that is up costs a shared cache
 * line and no more. All three levels each time: a client that died after the first one must not silence the others.
 *
 * Release, because the bit of the next level says "look at this word": a harvester that takes that bit must find
 * this one. Acquire, because when this update lands after the harvester's take, the harvester has cleared the level
 * above before, and the test of that level must see it cleared; otherwise the flag would stay up unseen. Level 0
 * is tested in one order with the take of its word: whoever finds the bit up has stored what it stands for before
 * the harvester looks at that, provided that the store was add_seq_cst() (tell.c).
 */
static inline void hbitmap_set(const struct hbitmap *flags, uint32_t at)
{
    for (int level = 0; level < 3; level++, at /= 64) {
        _Atomic uint64_t *s_word = &flags->s_words[level][at / 64];
        uint64_t bit = UINT64_C(1) << at % 64;
        if (!(load_seq_cst(s_word) & bit))
            set_bits_acq_rel(s_word, bit);
    }
}

#endif
