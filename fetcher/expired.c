/* SPDX-License-Identifier: MIT */
#include "fetcher/expired.h"

#include <stdlib.h>

bool expired_reset(struct expired *expired, uint32_t capacity)
{
    expired_free(expired);
    expired->slots = malloc(capacity * sizeof(*expired->slots));
    expired->has = calloc((size_t)capacity / 64 + 1, sizeof(*expired->has));
    if (!expired->slots || !expired->has) {
        expired_free(expired);
        return false;
    }
    expired->capacity = capacity;
    return true;
}

void expired_free(struct expired *expired)
{
    free(expired->slots);
    free(expired->has);
    *expired = (struct expired){0};
}

bool expired_has(const struct expired *expired, uint32_t slot)
{
    return expired->has[slot / 64] >> slot % 64 & 1;
}

void expired_add(struct expired *expired, uint32_t slot)
{
    uint64_t at = (uint64_t)expired->first + expired->count++;
    expired->slots[at < expired->capacity ? at : at - expired->capacity] = slot;
    expired->has[slot / 64] |= UINT64_C(1) << slot % 64;
}

bool expired_take(struct expired *expired, uint32_t *slot)
{
    if (expired->count == 0)
        return false;
    *slot = expired->slots[expired->first++];
    expired->has[*slot / 64] &= ~(UINT64_C(1) << *slot % 64);
    /* From the start, so that little of the ring is ever touched where little waits. */
    if (--expired->count == 0 || expired->first == expired->capacity)
        expired->first = 0;
    return true;
}
