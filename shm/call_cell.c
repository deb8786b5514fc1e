/* SPDX-License-Identifier: MIT */
#include "shm/call_cell.h"

/*
 * Two words name a cell, each set once: first the route, then the host. A client that dies in between leaves a cell that
 * any host of that route may take. Two clients that enter a host at the same time end up in one cell: both try the cells
 * in the same order, and none becomes free again. The words alone matter, nothing is published with them; the fetcher
 * sees with the flag that a cell has both.
 */
uint32_t call_cell_claim(const struct control *control, struct route_key key, struct host_addr host)
{
    uint64_t word = route_key_word(key), name = host_addr_word(host);
    uint32_t cell = call_cell_home(control, key, host);
    for (int probe = 0; probe < CALL_PROBE_MAX; probe++, cell = call_cell_after(control, cell)) {
        struct call_cell *s_cell = &control->s_calls[cell];
        uint64_t route = load_relaxed(&s_cell->key);
        if (route == 0 && claim_acq_rel(&s_cell->key, word))
            route = word;
        if (route == 0)
            route = load_relaxed(&s_cell->key); /* another client was faster */
        if (route != word)
            continue;
        uint64_t named = load_relaxed(&s_cell->host);
        if (named == 0 && claim_acq_rel(&s_cell->host, name))
            named = name;
        if (named == 0)
            named = load_relaxed(&s_cell->host);
        if (named == name)
            return cell;
    }
    return CALL_CELL_NONE;
}

/*
 * The cell's own word first: who finds a failure there finds the successes that came before it, which were added before.
 * Each word only grows, and successes are added one at a time, so their sum is how many there were at some moment between the
 * first load and the last; and who has acquired what another client or the fetcher stored after such a sum finds no less.
 */
uint64_t call_cell_counts(const struct control *control, uint32_t cell)
{
    uint64_t counts = load_seq_cst(&control->s_calls[cell].counts);
    for (int shard = 0; shard < CALL_SHARDS && control->s_successes[shard]; shard++)
        counts += load_seq_cst(&control->s_successes[shard][cell]);
    return counts;
}
