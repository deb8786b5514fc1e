/* SPDX-License-Identifier: MIT */
/*
 * Any file is a snapshot of valid routes and hosts, or is refused with a text. Input: the file, in memory that is exactly
 * as long; its checksum is made right first, so that what is behind it is reached.
 */
#include <string.h>

#include "fetcher/snapshot_decode.h"
#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_format.h"
#include "shm/clock.h"
#include "tests/fuzz/fuzz.h"

static struct snapshot_decoder decoder;

static void check_route(const struct restored_route *route)
{
    DEMAND(!route_key_is_none(route->key) && route->count >= 1 && route->count <= HOSTS_MAX);
    DEMAND(route->fetched >= 1 && route->fetched + UINT64_C(1000) * route->ttl_s <= decoder.now);
    for (uint32_t i = 0; i < route->count; i++) {
        DEMAND(route->hosts[i].address && route->hosts[i].port);
        DEMAND(i == 0 || host_addr_order(route->hosts[i - 1]) < host_addr_order(route->hosts[i]));
    }
}

static void check_host(const struct host_entry *entry)
{
    DEMAND(entry->health.state <= HOST_EJECTED && entry->health.override <= OVERRIDE_DRAINED);
    DEMAND(entry->health.reason < REASONS && entry->health.since <= decoder.now);
}

static void check(const uint8_t *bytes, size_t size)
{
    struct restored_route route;
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    uint64_t units = 0, hosts = 0;
    const char *wrong =
        snapshot_decode_begin(&decoder, bytes, size, "one", UINT64_C(1795900000000), TICK_ORIGIN + 20000);
    if (wrong) {
        DEMAND(*wrong);
        return;
    }
    while (snapshot_decode_route(&decoder, &route)) {
        check_route(&route);
        units += block_units(route.count);
    }
    DEMAND(units == decoder.units);
    for (; snapshot_decode_host(&decoder, &key, &host, &entry); hosts++)
        check_host(&entry);
    DEMAND(hosts == decoder.hosts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size);
    if (size < SNAPSHOT_HEADER_1)
        return 0;
    uint8_t *sealed = malloc(size);
    DEMAND(sealed);
    memcpy(sealed, data, size);
    memcpy(sealed + SNAPSHOT_CHECKED, &(uint64_t){size}, sizeof(uint64_t));
    snapshot_seal(sealed, size);
    check(sealed, size);
    free(sealed);
    return 0;
}
