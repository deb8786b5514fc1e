/* SPDX-License-Identifier: MIT */
#include "shm/reader/demand.h"

#include "shm/atomic.h"

enum {
    MISS_CHOICES = 4 /* cells that a key may use; they share a cache line */
};

void demand_refresh(const struct control *control, uint32_t slot)
{
    hbitmap_set(&control->stale, slot);
}

void demand_route(const struct control *control, struct route_key key)
{
    uint64_t word = route_key_word(key);
    uint32_t group = hash_scale(route_key_hash(key, 0), MISS_CELLS / MISS_CHOICES);
    _Atomic uint64_t *s_cells = &control->s_misses[group * MISS_CHOICES];
    static_assert(MISS_CHOICES == 4, "four cells");
    /* Without a branch on which cell it is, which cannot be foreseen. */
    int cells = (load_relaxed(&s_cells[0]) == word) + (load_relaxed(&s_cells[1]) == word) +
                (load_relaxed(&s_cells[2]) == word) + (load_relaxed(&s_cells[3]) == word);
    bool waiting = cells > 0;
    for (int i = 0; i < MISS_CHOICES && !waiting; i++)
        waiting = load_relaxed(&s_cells[i]) == 0 && claim_acq_rel(&s_cells[i], word);
    /* Raised even when the cells are full: the clients that filled them may have died before raising it. */
    uint64_t summary = UINT64_C(1) << group * MISS_CHOICES / 64;
    if (!(load_acquire(&control->s_header->miss_summary[0]) & summary))
        set_bits_acq_rel(&control->s_header->miss_summary[0], summary);
}
