/* SPDX-License-Identifier: MIT */
/* Which call cell belongs to a host, and what is counted there: for clients that record its results, and for the fetcher. */
#ifndef SHM_CALL_CELL_H
#define SHM_CALL_CELL_H

#include <stdbool.h>

#include "shm/atomic.h"
#include "shm/control.h"

enum {
    CALL_PROBE_MAX = 32 /* call cells that a host may use, from its home on */
};

/* Instead of the number of a cell. */
#define CALL_CELL_NONE UINT32_MAX

static inline uint32_t call_cell_home(const struct control *control, struct route_key key,
                                      struct host_addr host)
{
    return hash_scale(host_addr_hash(key, host, control->shape.hash_seed), control->shape.call_cells);
}

static inline uint32_t call_cell_after(const struct control *control, uint32_t cell)
{
    return cell + 1 < control->shape.call_cells ? cell + 1 : 0;
}

/* The host's cell. CALL_CELL_NONE: it has none yet. Relaxed: the words alone matter, see call_cell_claim(). */
static inline uint32_t call_cell_find(const struct control *control, struct route_key key,
                                      struct host_addr host)
{
    uint64_t word = route_key_word(key), name = host_addr_word(host);
    uint32_t cell = call_cell_home(control, key, host);
    for (int probe = 0; probe < CALL_PROBE_MAX; probe++, cell = call_cell_after(control, cell)) {
        const struct call_cell *s_cell = &control->s_calls[cell];
        uint64_t route = load_relaxed(&s_cell->key);
        if (route == word && load_relaxed(&s_cell->host) == name)
            return cell;
        if (route == 0)
            break; /* none was ever claimed behind this one */
    }
    return CALL_CELL_NONE;
}

/* The host's cell; where it has none, one that is named for it now. CALL_CELL_NONE: no room. */
uint32_t call_cell_claim(const struct control *control, struct route_key key, struct host_addr host);

/* What was counted of the cell's host so far, successes and failures, as in call_cell.counts. */
uint64_t call_cell_counts(const struct control *control, uint32_t cell);

#endif
