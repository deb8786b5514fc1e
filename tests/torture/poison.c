/* SPDX-License-Identifier: MIT */
#include "tests/torture/poison.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "shm/atomic.h"
#include "shm/writer/publisher.h"
#include "tests/torture/self_checking.h"

/* As a publish begins: the stamp goes first, so that a reader that is still in there knows. */
void poison_block(struct arena *arena, uint32_t unit, uint32_t length)
{
    struct publisher *publisher = (struct publisher *)((char *)arena - offsetof(struct publisher, arena));
    struct block *s_block = routes_block(&publisher->routes, unit);
    _Atomic uint32_t *s_words = (_Atomic uint32_t *)(void *)s_block;
    store_release(&s_block->stamp, 0);
    fence_release();
    for (uint32_t word = 2; word < length * (UNIT_BYTES / 4); word++)
        store_relaxed(&s_words[word], htonl(POISON_ADDRESS));
}
