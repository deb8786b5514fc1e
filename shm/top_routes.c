/* SPDX-License-Identifier: MIT */
#include "shm/top_routes.h"

#include "shm/atomic.h"

enum {
    READ_TRIES = 100 /* each but the last needs another list during a copy of one */
};

size_t top_routes_read(const struct routes_header *s_header, struct route_use out[static TOP_ROUTES])
{
    size_t count = 0;
    for (int try = 0; try < READ_TRIES; try++) {
        /* Pairs with the release in top_routes_write(): the list of this change is complete. */
        uint64_t change = load_acquire(&s_header->top_changes);
        const struct published_use *s_routes = s_header->top_routes[change % 2];
        for (count = 0; count < TOP_ROUTES; count++) {
            uint64_t word = load_relaxed(&s_routes[count].key);
            if (word == 0)
                break;
            out[count] =
                (struct route_use){route_key_from_word(word), load_relaxed(&s_routes[count].lookups)};
        }
        /* Pairs with the release fence in top_routes_write(): who has read a word of the next list but one, which overwrites
         * this one, finds the change between here. */
        fence_acquire();
        if (load_relaxed(&s_header->top_changes) == change)
            break;
    }
    return count;
}

void top_routes_write(struct routes_header *s_header, const struct route_use *routes, size_t count)
{
    uint64_t change = load_relaxed(&s_header->top_changes) + 1;
    /* Pairs with the acquire fence in top_routes_read(), see there. */
    fence_release();
    struct published_use *s_routes = s_header->top_routes[change % 2];
    for (size_t i = 0; i < TOP_ROUTES && i < count; i++) {
        store_relaxed(&s_routes[i].key, route_key_word(routes[i].key));
        store_relaxed(&s_routes[i].lookups, routes[i].lookups);
    }
    if (count < TOP_ROUTES)
        store_relaxed(&s_routes[count].key, 0);
    /* Pairs with the acquire in top_routes_read(): the words of a list that is seen are complete. */
    store_release(&s_header->top_changes, change);
}
