/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/image.h"

#include <arpa/inet.h>
#include <string.h>

#include "shm/index.h"
#include "shm/writer/changes.h"
#include "shm/writer/publisher.h"
#include "tests/fuzz/fuzz.h"

enum {
    ROUTE_HOSTS = 70, /* of the largest route: two mask words */
    TTL_S = 60000,
};

static void format(struct routes_header *s_header)
{
    s_header->id = (struct object_id){
        .magic = ROUTES_MAGIC,
        .layout_version = LAYOUT_VERSION,
        .fingerprint = layout_fingerprint(),
        .size = IMAGE_BYTES,
        .generation = 1,
    };
    routes_lay_out(s_header, IMAGE_BUCKETS, IMAGE_UNITS, 1);
    s_header->parts_bytes = IMAGE_RING * sizeof(uint64_t);
    s_header->ring_entries = IMAGE_RING;
    changes_start(s_header, 1);
}

static void put(struct publisher *publisher, uint32_t cmdid, uint32_t count)
{
    struct host_addr hosts[ROUTE_HOSTS];
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){.address = htonl(UINT32_C(0x0a000001) + i), .port = htons(8080)};
    const struct publication table = {
        .key = route_key(1, cmdid), .hosts = hosts, .count = count, .ttl_s = TTL_S};
    uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, table.key, &empty);
    DEMAND(publisher_put(publisher, &slot, empty, &table, 1) == PUT_PUBLISHED);
}

void image_make(void *out)
{
    const struct region region = {.s_base = out, .size = IMAGE_BYTES};
    struct routes routes;
    struct publisher publisher;
    memset(out, 0, IMAGE_BYTES);
    format(out);
    DEMAND(routes_attach(&region, &routes) == SHM_OK);
    publisher_init(&publisher, &routes, 0, 0);
    put(&publisher, 1, 0);
    put(&publisher, 2, 1);
    put(&publisher, 3, 4);
    put(&publisher, 4, 14);
    put(&publisher, 5, ROUTE_HOSTS);
    put(&publisher, 3, 3);
    publisher_free(&publisher);
}
