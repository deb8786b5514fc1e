/* SPDX-License-Identifier: MIT */
/* Says of most keys that they were not added, from one bit. In the fetcher's heap. */
#ifndef SHM_WRITER_KEY_SKETCH_H
#define SHM_WRITER_KEY_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

enum {
    KEY_SKETCH_BITS = 1 << 20 /* 128 KiB: of 10,000 keys, one in a hundred others looks like one of them */
};

/* Zeroed: none was added. */
struct key_sketch {
    uint64_t words[KEY_SKETCH_BITS / 64];
};

static inline uint32_t key_sketch_bit(struct route_key key)
{
    return hash_scale(route_key_hash(key, 0), KEY_SKETCH_BITS);
}

static inline void key_sketch_add(struct key_sketch *sketch, struct route_key key)
{
    uint32_t bit = key_sketch_bit(key);
    sketch->words[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* True of each key that was added, and of few others. */
static inline bool key_sketch_may_have(const struct key_sketch *sketch, struct route_key key)
{
    uint32_t bit = key_sketch_bit(key);
    return sketch->words[bit / 64] >> bit % 64 & 1;
}

#endif
