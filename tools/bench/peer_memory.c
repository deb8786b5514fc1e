/* SPDX-License-Identifier: MIT */
#include "tools/bench/peers.h"

#include <err.h>
#include <stdlib.h>

struct line {
    _Alignas(CACHE_LINE) uint32_t next;
};

/* Sattolo's shuffle: one cycle through all lines. */
static void link_lines(struct line *lines, uint32_t count)
{
    uint64_t state = count;
    for (uint32_t i = 0; i < count; i++)
        lines[i].next = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = random_below(&state, i), next = lines[i].next;
        lines[i].next = lines[other].next;
        lines[other].next = next;
    }
}

bool peer_memory_open(struct peer_memory *peer, uint64_t bytes)
{
    uint32_t count = (uint32_t)(bytes / CACHE_LINE);
    *peer =
        (struct peer_memory){.lines = aligned_alloc(CACHE_LINE, count * sizeof(struct line)), .count = count};
    if (!peer->lines) {
        warnx("out of memory");
        return false;
    }
    link_lines(peer->lines, count);
    return true;
}

void peer_memory_close(struct peer_memory *peer)
{
    free(peer->lines);
    *peer = (struct peer_memory){0};
}

bool peer_memory_run(void *context, uint32_t calls)
{
    struct peer_memory *peer = context;
    uint32_t at = peer->at;
    for (uint32_t i = 0; i < calls; i++)
        at = peer->lines[at].next;
    peer->at = at;
    return true;
}

/* The cycle returns to its start after all lines, and not before. */
bool peer_memory_check(void *context)
{
    const struct peer_memory *peer = context;
    uint32_t at = peer->lines[0].next, steps = 1;
    for (; at != 0 && steps <= peer->count; steps++)
        at = peer->lines[at].next;
    return steps == peer->count;
}
