/* SPDX-License-Identifier: MIT */
/*
 * A client that attaches to a damaged routes object, and goes on while it is damaged further, never reads outside of
 * it, never loops, and is never given a table larger than any can be. Input: the object's size (16 bits, 0: whole),
 * then changes to a valid image; the second half of them strikes after the attach.
 */
#include <string.h>

#include "shm/changes.h"
#include "shm/check.h"
#include "shm/index.h"
#include "shm/reader/lookup_fast.h"
#include "shm/table.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

static _Alignas(CACHE_LINE) char image[IMAGE_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    image_make(image);
    return 0;
}

/* True if the key is served. */
static bool look_up(const struct routes *routes, struct route_key key)
{
    struct fast_table fast;
    struct table table;
    uint32_t slot = index_find(routes, key);
    bool seen = lookup_fast(routes, key, &fast);
    uint64_t count = seen ? fast_table_count(&fast) : 0;
    DEMAND(!seen || count > INNER_HOSTS ||
           (const char *)fast.s_block + BLOCK_BYTES(count) <= (const char *)routes->s_end);
    DEMAND(slot == SLOT_NONE || slot < routes_slot_count(routes));
    if (slot == SLOT_NONE || table_begin(routes, slot, key, &table) != SHM_OK)
        return false;
    DEMAND(table.count <= HOSTS_MAX);
    struct host_addr *hosts =
        malloc(table.count * sizeof(*hosts)); /* no byte more, so that an overrun is seen */
    DEMAND(hosts || table.count == 0);
    table_hosts(&table, hosts);
    DEMAND(table_intact(&table)); /* there is no writer now */
    free(hosts);
    return true;
}

/* From each position that could be in the ring: as many as there are entries, at the most. */
static void list_changes(const struct routes *routes)
{
    uint64_t count = changes_count(routes);
    for (uint64_t back = 0; back <= IMAGE_RING; back++) {
        uint64_t position = count - back, listed = 0;
        struct route_key key;
        while (changes_next(routes, &position, &key) == SHM_OK)
            DEMAND(++listed <= back);
        DEMAND(position == count);
    }
}

static void walk(const struct routes *routes)
{
    struct check_report report;
    uint32_t served = 0, keys = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot++) {
        uint64_t word = load_acquire(&routes_slot(routes, slot)->key);
        keys += word != 0;
        if (word)
            served += look_up(routes, route_key_from_word(word));
        look_up(routes, route_key(1, slot));
    }
    look_up(routes, ROUTE_KEY_NONE);
    list_changes(routes);
    if (check_routes(routes, &report) == SHM_OK)
        DEMAND(report.keys == keys && served == keys);
    else
        DEMAND(report.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct region region = {.size = input_number(&input, 2) % IMAGE_BYTES};
    struct routes routes;
    if (region.size == 0)
        region.size = IMAGE_BYTES;
    DEMAND(posix_memalign(&region.s_base, CACHE_LINE, region.size) == 0);
    memcpy(region.s_base, image, region.size);
    size_t later = input.size / 2;
    while (input.size > later && input_patch(&input, region.s_base, region.size))
        continue;
    if (routes_attach(&region, &routes) == SHM_OK) {
        walk(&routes);
        while (input_patch(&input, region.s_base, region.size))
            continue;
        walk(&routes);
    }
    free(region.s_base);
    return 0;
}
