/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of the control object: collects what clients demanded, one item at a call. Whatever is in there,
 * a round ends after a bounded number of steps, reads each word once, and yields only items and keys that can exist.
 * The caller decides whether a flag is justified.
 *
 *      struct flag_round round = flag_round_begin(&control->stale, cursor);
 *      while (... && flag_round_next(&round, &slot))
 *          ...
 *      cursor = flag_round_end(&round);
 *
 * A round may stop at any item: what it did not yield stays, and the next one goes on there, so that none starves.
 */
#ifndef SHM_WRITER_COLLECT_H
#define SHM_WRITER_COLLECT_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/top_routes.h"

/* One round over all flags of a bitmap: from the cursor to the end, then from the start to the cursor. */
struct flag_round {
    const struct hbitmap *map;
    uint32_t start;     /* word of level 0 where the round began */
    uint32_t word, end; /* the next word to look at, and where this half of the round ends */
    uint32_t group;     /* of 64 words: the one at hand, if in_group */
    uint32_t taken;     /* the word that `bits` were taken from */
    uint64_t words;     /* words of the group that are still to be taken */
    uint64_t later;     /* likewise, but not in this half of the round */
    uint64_t bits;      /* flags that were taken and not yielded yet */
    bool in_group, wrapped;
};

/* `cursor`: what flag_round_end() returned last; 0 at first, any value will do. */
struct flag_round flag_round_begin(const struct hbitmap *map, uint32_t cursor);

/* Takes the next flag. False: none is left. */
bool flag_round_next(struct flag_round *round, uint32_t *at);

/* Puts back what was taken and not yielded. Returns the cursor. */
uint32_t flag_round_end(struct flag_round *round);

/* One round over the keys that clients missed. */
struct miss_round {
    const struct control *control;
    uint64_t groups; /* summary bits that were taken */
    uint32_t cell, looked;
};

struct miss_round miss_round_begin(const struct control *control, uint32_t cursor);
bool miss_round_next(struct miss_round *round, struct route_key *key);
uint32_t miss_round_end(struct miss_round *round);

/* Takes the samples of lookups. Returns how many: at most USE_CELLS. Of routes that need not exist. */
size_t collect_uses(const struct control *control, struct route_use out[static USE_CELLS]);

/* Takes the lookup counts. */
struct lookup_counts collect_lookups(const struct control *control);

#endif
