/* SPDX-License-Identifier: MIT */
/* The memory's limit: reads of one cache line each, in a random order that only the line before tells. */
#ifndef TOOLS_BENCH_PEER_MEMORY_H
#define TOOLS_BENCH_PEER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct line;

struct peer_memory {
    struct line *lines;
    uint32_t count, at;
};

/* False: out of memory, said on stderr. Close it in any case. */
bool peer_memory_open(struct peer_memory *peer, uint64_t bytes);
void peer_memory_close(struct peer_memory *peer);

/* A contender of race(). */
bool peer_memory_check(void *peer);
bool peer_memory_run(void *peer, uint32_t calls);

#endif
