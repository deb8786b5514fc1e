/* SPDX-License-Identifier: MIT */
#include "shm/call_cell.h"

#include "shm/atomic.h"

/*
 * The cell of a host, claimed if it has none and `claim`. Two words name it, each set once: first the route, then
 * the host. A client that dies in between leaves a cell that any host of that route may take. Two clients that
 * enter a host at the same time end up in one cell: both try the cells in the same order, and none becomes free
 * again. The words alone matter, nothing is published with them; the fetcher sees with the flag that a cell has
 * both.
 */
struct call_cell *call_cell_find(const struct control *control, struct route_key key, struct host_addr host,
                                 bool claim)
{
    uint32_t cells = control->shape.call_cells;
    uint64_t word = route_key_word(key), name = host_addr_word(host),
             hash = host_addr_hash(key, host, control->shape.hash_seed);
    uint32_t at = hash_scale(hash, cells);
    for (int probe = 0; probe < CALL_PROBE_MAX; probe++, at = at + 1 < cells ? at + 1 : 0) {
        struct call_cell *s_cell = &control->s_calls[at];
        uint64_t route = load_relaxed(&s_cell->key);
        if (route == 0 && !claim)
            return NULL; /* none was ever claimed behind this one */
        if (route == 0 && claim_acq_rel(&s_cell->key, word))
            route = word;
        if (route == 0)
            route = load_relaxed(&s_cell->key); /* another client was faster */
        if (route != word)
            continue;
        uint64_t named = load_relaxed(&s_cell->host);
        if (named == 0 && claim && claim_acq_rel(&s_cell->host, name))
            named = name;
        if (named == 0)
            named = load_relaxed(&s_cell->host);
        if (named == name)
            return s_cell;
    }
    return NULL;
}
