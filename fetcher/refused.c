/* SPDX-License-Identifier: MIT */
#include "fetcher/refused.h"

static uint32_t cell_of(struct route_key key)
{
    return (uint32_t)(route_key_hash(key, 0) % REFUSED_CELLS);
}

void refused_add(struct refused *refused, struct route_key key, uint64_t now)
{
    refused->cells[cell_of(key)] = (struct refused_route){key, now + REFUSED_MS};
}

void refused_remove(struct refused *refused, struct route_key key)
{
    struct refused_route *cell = &refused->cells[cell_of(key)];
    if (route_key_equal(cell->key, key))
        cell->until = 0;
}

bool refused_lately(const struct refused *refused, struct route_key key, uint64_t now)
{
    const struct refused_route *cell = &refused->cells[cell_of(key)];
    return cell->until > now && route_key_equal(cell->key, key);
}
