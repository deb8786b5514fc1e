/* SPDX-License-Identifier: MIT */
#include "tests/support/host_health.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/eventually.h"

struct host_addr host_health_host(int last, int port)
{
    return (struct host_addr){htonl(UINT32_C(0x0a000000) + (uint32_t)last), htons((uint16_t)port)};
}

/* Calls `each` for the records of a route. */
static void each_record(const struct fetcher *fetcher, struct route_key key,
                        void (*each)(void *context, struct host_addr host, const struct host_health *health),
                        void *context)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct host_records hosts;
    assert_int_equal(region_open(fetcher->names.hosts, false, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(host_records_attach(&region, &hosts), SHM_OK);
    for (uint32_t i = 0; i < host_records_used(&hosts); i++) {
        struct route_key route;
        struct host_addr host;
        struct host_entry entry;
        if (host_records_read(&hosts, i, &route, &host, &entry) && route_key_equal(route, key))
            each(context, host, &entry.health);
    }
    region_close(&region);
}

struct search {
    struct host_addr host;
    struct host_health found;
    bool is_there;
};

static void record_if_wanted(void *context, struct host_addr host, const struct host_health *health)
{
    struct search *search = context;
    if (!host_addr_equal(host, search->host))
        return;
    search->found = *health;
    search->is_there = true;
}

bool host_health_read(const struct fetcher *fetcher, struct route_key key, struct host_addr host,
                      struct host_health *out)
{
    struct search search = {.host = host};
    each_record(fetcher, key, record_if_wanted, &search);
    *out = search.found;
    return search.is_there;
}

static void add(void *context, struct host_addr host, const struct host_health *health)
{
    struct calls *sum = context;
    (void)host;
    sum->succ += health->total_succ;
    sum->err += health->total_err;
}

struct calls host_health_sum(const struct fetcher *fetcher, struct route_key key)
{
    struct calls sum = {0};
    each_record(fetcher, key, add, &sum);
    return sum;
}

static void count(void *context, struct host_addr host, const struct host_health *health)
{
    (void)health;
    *(uint32_t *)context += !host_addr_is_none(host);
}

uint32_t host_health_count(const struct fetcher *fetcher, struct route_key key)
{
    uint32_t found = 0;
    each_record(fetcher, key, count, &found);
    return found;
}
