/* SPDX-License-Identifier: MIT */
/*
 * The name of the directory's server in the header, for people. Names are written to two places in turn: that of change n
 * to directory_even or directory_odd, as n is.
 */
#ifndef SHM_DIRECTORY_NAME_H
#define SHM_DIRECTORY_NAME_H

#include <string.h>

#include "shm/atomic.h"
#include "shm/layout.h"

enum {
    DIRECTORY_WORDS = DIRECTORY_NAME / sizeof(uint64_t),
    DIRECTORY_TRIES = 100, /* each but the last needs two changes during a copy of 128 bytes */
};

/* One writer. A longer name is cut. */
static inline void directory_name_write(struct routes_header *s_header, const char *name)
{
    uint64_t words[DIRECTORY_WORDS] = {0};
    uint32_t change = load_relaxed(&s_header->directory_changes) + 1;
    memcpy(words, name, strnlen(name, DIRECTORY_NAME - 1));
    /* Pairs with the acquire fence in directory_name_read(): who has read a word of this change and not of the one two
     * before, which it overwrites, sees that the one before has come. */
    fence_release();
    _Atomic uint64_t *s_words = change % 2 ? s_header->directory_odd : s_header->directory_even;
    for (int i = 0; i < DIRECTORY_WORDS; i++)
        store_relaxed(&s_words[i], words[i]);
    /* Pairs with the acquire in directory_name_read(): the words of a change that is seen are complete. */
    store_release(&s_header->directory_changes, change);
}

static inline void directory_name_read(const struct routes_header *s_header, char out[static DIRECTORY_NAME])
{
    uint64_t words[DIRECTORY_WORDS];
    for (int try = 0; try < DIRECTORY_TRIES; try++) {
        /* Pairs with the release in directory_name_write(). */
        uint32_t change = load_acquire(&s_header->directory_changes);
        const _Atomic uint64_t *s_words = change % 2 ? s_header->directory_odd : s_header->directory_even;
        for (int i = 0; i < DIRECTORY_WORDS; i++)
            words[i] = load_relaxed(&s_words[i]);
        /* Pairs with the release fence in directory_name_write(): the check below would find the change between. */
        fence_acquire();
        if (load_relaxed(&s_header->directory_changes) == change)
            break;
    }
    memcpy(out, words, DIRECTORY_NAME);
    out[DIRECTORY_NAME - 1] = '\0';
}

#endif
