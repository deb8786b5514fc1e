/* SPDX-License-Identifier: MIT */
/*
 * Tables that anyone can check. Round r of route (TORTURE_MODID, k) has hosts 0 .. count(k, r) - 1, all at the address
 *      10 . 12 bits of hash(k) . 12 bits of r        and the ports        base(k, r) + 0, 1, 2, ...
 * so that a host says its route and its round, and a table of two rounds, or of two routes, cannot satisfy it.
 */
#ifndef TESTS_TORTURE_SELF_CHECKING_H
#define TESTS_TORTURE_SELF_CHECKING_H

#include <stdint.h>

#include "shm/hash.h"

enum {
    TORTURE_MODID = 7,
    POISON_ADDRESS = 0x7f6f6973, /* what a block has after its grace, as a number in host order */
};

static inline uint64_t self_checking_hash(uint32_t k, uint32_t round)
{
    return hash_word((uint64_t)k << 12 | (round & 0xfff), 99);
}

static inline uint32_t self_checking_address(uint32_t k, uint32_t round)
{
    return UINT32_C(10) << 24 | (uint32_t)(self_checking_hash(k, 0) & 0xfff) << 12 | (round & 0xfff);
}

static inline uint32_t self_checking_base(uint32_t k, uint32_t round)
{
    return 1 + (uint32_t)(self_checking_hash(k, round) % 60000);
}

/* Few hosts mostly; some routes are long enough for a reader to be stopped in the middle. */
static inline uint32_t self_checking_count(uint32_t k, uint32_t round)
{
    uint32_t most = k % 16 == 0 ? 800 : 8;
    return 1 + (uint32_t)((self_checking_hash(k, round) >> 32) % most);
}

#endif
