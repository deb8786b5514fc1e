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

/* The slot that leads to the key, or the free one where it would go. The capacity is not 0. */
static uint32_t *find(const struct kept *kept, const struct status *status)
{
    uint64_t hash = route_key_hash(status->route, kept->secret);
    hash = hash_word(hash ^ host_addr_word(status->host), kept->secret);
    hash = hash_word(hash ^ status->caller, kept->secret);
    size_t mask = kept->capacity * 2 - 1, at = hash >> 32 & mask;
    while (kept->slots[at] && !same_key(&kept->rows[kept->slots[at] - 1], status))
        at = (at + 1) & mask;
    return &kept->slots[at];
}

static bool grow(struct kept *kept)
{
    size_t capacity = kept->capacity ? kept->capacity * 2 : CAPACITY_FIRST;
    if (kept->capacity == 0 && getrandom(&kept->secret, sizeof(kept->secret), 0) != sizeof(kept->secret))
        return false;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    struct status *rows = slots ? reallocarray(kept->rows, capacity, sizeof(*rows)) : NULL;
    if (!rows) {
        free(slots);
        return false;
    }
    free(kept->slots);
    kept->rows = rows;
    kept->slots = slots;
    kept->capacity = capacity;
    for (size_t i = 0; i < kept->count; i++)
        *find(kept, &rows[i]) = (uint32_t)i + 1;
    return true;
}

bool kept_add(struct kept *kept, const struct status *status, size_t max)
{
    uint32_t *slot = kept->capacity ? find(kept, status) : NULL;
    if (slot && *slot) {
        kept->rows[*slot - 1] = *status;
        return true;
    }
    if (kept->count >= max)
        return false;
    if (kept->count == kept->capacity) {
        if (!grow(kept))
            return false;
        slot = find(kept, status);
    }
    kept->rows[kept->count++] = *status;
    *slot = (uint32_t)kept->count;
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
