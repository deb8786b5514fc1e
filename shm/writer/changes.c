/* SPDX-License-Identifier: MIT */
#include "shm/writer/changes.h"

#include <string.h>

/* Positions have 62 bits at first: a ring that is written to for as long as a machine lives does not use up the rest. */
enum {
    FIRST_BITS = 62
};
#define FIRST_LEAST (UINT64_C(1) << (FIRST_BITS - 1))

void changes_start(struct routes_header *s_header, uint64_t random)
{
    store_relaxed(&s_header->changes, FIRST_LEAST + random % FIRST_LEAST);
}

/* Plain stores: no other process writes to the one, and the rename publishes the other. Where they differ in length, every
 * position is overrun. */
void changes_carry(const struct routes *to, const struct routes *from, bool died)
{
    uint64_t count = load_relaxed(&from->s_header->changes), entries = to->ring_mask + UINT64_C(1);
    if (!from->s_ring || count < FIRST_LEAST || count > UINT64_MAX / 2)
        return;
    bool alike = to->ring_mask == from->ring_mask;
    if (alike)
        memcpy((void *)to->s_ring, (const void *)from->s_ring, entries * sizeof(*to->s_ring));
    store_relaxed(&to->s_header->changes, count + (alike ? died : entries));
}
