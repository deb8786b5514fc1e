/* SPDX-License-Identifier: MIT */
#include "shm/reader/use_sample.h"

#include "shm/atomic.h"

enum {
    STRIPES = 16, /* of cells; threads of one share them */
    CHOICES = 4,  /* cells that a route may use in a stripe; they share a cache line */
    GROUPS = USE_CELLS / STRIPES / CHOICES,
};
static_assert(CHOICES * sizeof(struct use_cell) == CACHE_LINE, "a group");

/* True with a chance of more / (there + more): so what a route can expect to get is what was counted for it. */
static bool takes_over(uint64_t there, uint32_t more, uint32_t random)
{
    return there <= UINT32_MAX - more && random * (there + more) >> 32 < more;
}

/* Relaxed: figures for people; no other word depends on them. Where a key changes between two of these steps, a sample counts for
 * the other route. */
void use_sample_add(const struct control *control, uint32_t thread, struct route_key key, uint32_t lookups,
                    uint32_t random)
{
    uint64_t word = route_key_word(key), least = UINT64_MAX;
    uint32_t group = thread % STRIPES * GROUPS + hash_scale(route_key_hash(key, 0), GROUPS);
    struct use_cell *s_cells = &control->s_uses[group * CHOICES], *s_cell = s_cells;
    bool found = false;
    for (int i = 0; i < CHOICES && !found; i++) {
        uint64_t there = load_relaxed(&s_cells[i].lookups);
        found = load_relaxed(&s_cells[i].key) == word;
        if (found || there < least) {
            least = there;
            s_cell = &s_cells[i];
        }
    }
    if (!found && takes_over(least, lookups, random))
        store_relaxed(&s_cell->key, word);
    add_relaxed(&s_cell->lookups, lookups);
}
