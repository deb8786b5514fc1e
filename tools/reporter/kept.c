/* SPDX-License-Identifier: MIT */
#include "tools/reporter/kept.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    CAPACITY_FIRST = 256,
};

static bool same_key(const struct status *a, const struct status *b)
{
    return route_key_equal(a->route, b->route) && host_addr_equal(a->host, b->host) && a->caller == b->caller;
}

static uint32_t hash_key(const struct kept *kept, const struct status *status)
{
    uint64_t hash = route_key_hash(status->route, kept->secret);
    hash = hash_word(hash ^ host_addr_word(status->host), kept->secret);
    return (uint32_t)(hash_word(hash ^ status->caller, kept->secret) >> 32);
}

/* The slot that leads to the key, or the free one where it would go. The capacity is not 0. Hardly any other row is read:
 * of many rows, each is a cache miss. */
static uint64_t *find(const struct kept *kept, const struct status *status, uint32_t hash)
{
    size_t mask = kept->capacity * 2 - 1, at = hash & mask;
    while (kept->slots[at] &&
           (kept->slots[at] >> 32 != hash || !same_key(&kept->rows[(uint32_t)kept->slots[at] - 1], status)))
        at = (at + 1) & mask;
    return &kept->slots[at];
}

/* The slots of a larger capacity, each key being there once. */
static void move_slots(const uint64_t *from, size_t count, uint64_t *to, size_t to_count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = from[i] >> 32 & (to_count - 1);
        if (!from[i])
            continue;
        while (to[at])
            at = (at + 1) & (to_count - 1);
        to[at] = from[i];
    }
}

static bool grow(struct kept *kept)
{
    size_t capacity = kept->capacity ? kept->capacity * 2 : CAPACITY_FIRST;
    if (kept->capacity == 0 && getrandom(&kept->secret, sizeof(kept->secret), 0) != sizeof(kept->secret))
        return false;
    uint64_t *slots = calloc(capacity * 2, sizeof(*slots));
    struct status *rows = slots ? reallocarray(kept->rows, capacity, sizeof(*rows)) : NULL;
    if (!rows) {
        free(slots);
        return false;
    }
    move_slots(kept->slots, kept->capacity * 2, slots, capacity * 2);
    free(kept->slots);
    kept->rows = rows;
    kept->slots = slots;
    kept->capacity = capacity;
    return true;
}

bool kept_add(struct kept *kept, const struct status *status, size_t max)
{
    if (kept->capacity == 0 && (max == 0 || !grow(kept)))
        return false;
    uint32_t hash = hash_key(kept, status);
    uint64_t *slot = find(kept, status, hash);
    if (*slot) {
        kept->rows[(uint32_t)*slot - 1] = *status;
        return true;
    }
    if (kept->count >= max)
        return false;
    if (kept->count == kept->capacity) {
        if (!grow(kept))
            return false;
        slot = find(kept, status, hash);
    }
    kept->rows[kept->count++] = *status;
    *slot = (uint64_t)hash << 32 | kept->count;
    return true;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const void *one, const void *other)
{
    const struct status *a = one, *b = other;
    int order = compare(route_key_number(a->route), route_key_number(b->route));
    if (order == 0)
        order = compare(host_addr_order(a->host), host_addr_order(b->host));
    return order != 0 ? order : compare(a->caller, b->caller);
}

void kept_sort(struct kept *kept)
{
    if (kept->count > 0)
        qsort(kept->rows, kept->count, sizeof(*kept->rows), compare_keys);
}

void kept_free(struct kept *kept)
{
    free(kept->rows);
    free(kept->slots);
    *kept = (struct kept){0};
}
