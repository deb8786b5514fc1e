/* SPDX-License-Identifier: MIT */
#include "tests/support/instance.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "shm/writer/writer_internal.h"
#include "tests/support/by_key.h"
#include "tests/support/keys.h"
#include "tools/bench/private_instance.h"

enum {
    LONG_SILENCE_MS = 60 * 1000 /* a fetcher that is silent for so long counts as dead */
};

enum event_kind instance_next_event(struct instance *instance)
{
    return writer_next_event(instance->writer, &instance->event) ? instance->event.kind : EVENT_NONE;
}

void instance_start(struct instance *instance)
{
    enum shm_status status = writer_open(&instance->writer, &instance->options, &instance->event);
    if (status != SHM_OK)
        fail_msg("writer_open: %d, event %d", status, instance->event.kind);
}

void instance_stop(struct instance *instance)
{
    writer_close(instance->writer);
    instance->writer = NULL;
}

int instance_setup(void **state)
{
    struct instance *instance = calloc(1, sizeof(*instance));
    if (!instance)
        return -1;
    private_instance_name("test", instance->name);
    object_names(instance->name, &instance->names);
    instance->options = private_instance_options(instance->name, 4 << 20);
    instance_start(instance);
    *state = instance;
    return 0;
}

int instance_teardown(void **state)
{
    struct instance *instance = *state;
    instance_stop(instance);
    private_instance_remove(&instance->names);
    free(instance);
    return 0;
}

/* 24 bits of address: 12 of the key's hash, 12 of the round, so that both follow from it. */
static uint32_t self_checking_address(uint64_t key, uint32_t round)
{
    return htonl(UINT32_C(10) << 24 | (uint32_t)(hash_word(key, 1) & 0xfff) << 12 | (round & 0xfff));
}

static uint16_t self_checking_port(uint64_t key, uint32_t round, uint32_t i)
{
    return htons((uint16_t)(1 + (hash_word(key, round & 0xfff) + i) % 65535));
}

void self_checking_hosts(uint64_t key, uint32_t round, uint32_t count, struct host_addr *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = (struct host_addr){self_checking_address(key, round), self_checking_port(key, round, i)};
}

_Bool self_checking_holds(uint64_t key, uint32_t i, struct host_addr host, uint32_t *round)
{
    uint32_t seen = ntohl(host.address) & 0xfff;
    if (*round != UINT32_MAX && *round != seen)
        return 0;
    *round = seen;
    return host.address == self_checking_address(key, seen) && host.port == self_checking_port(key, seen, i);
}

struct host_addr table_host(const struct table *table, uint32_t i)
{
    return (struct host_addr){load_relaxed(&table->s_addresses[i]), load_relaxed(&table->s_ports[i])};
}

void instance_put(struct instance *instance, uint64_t key, uint32_t round, uint32_t count, uint32_t ttl_s)
{
    static struct host_addr hosts[HOSTS_MAX];
    self_checking_hosts(key, round, count, hosts);
    enum shm_status status =
        put_by_key(instance->writer, numbered_key(key), hosts, count, NULL, ttl_s, clock_tick());
    if (status != SHM_OK)
        fail_msg("writer_put: %d", status);
}

void instance_put_keys(struct instance *instance, uint32_t keys, uint32_t round)
{
    for (uint64_t key = 1; key <= keys; key++)
        instance_put(instance, key, round, (uint32_t)(key % 9), 15);
}

void instance_expect_keys(const struct instance *instance, uint32_t keys, uint32_t round)
{
    struct region region;
    struct routes routes;
    struct check_report report;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(check_routes(&routes, &report), SHM_OK);
    assert_int_equal(report.keys, keys);
    for (uint64_t key = 1; key <= keys; key++) {
        uint32_t slot = index_find(&routes, numbered_key(key)), seen = UINT32_MAX;
        struct table table;
        assert_int_not_equal(slot, SLOT_NONE);
        assert_int_equal(table_begin(&routes, slot, numbered_key(key), &table), SHM_OK);
        assert_int_equal(table.count, key % 9);
        for (uint32_t i = 0; i < table.count; i++)
            assert_true(self_checking_holds(key, i, table_host(&table, i), &seen));
        if (table.count)
            assert_int_equal(seen, round);
    }
    region_close(&region);
}

void instance_put_ports(struct instance *instance, struct route_key key, uint32_t count)
{
    static struct host_addr hosts[HOSTS_MAX];
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){htonl(UINT32_C(0x0a000001)), htons((uint16_t)(i + 1))};
    assert_int_equal(put_by_key(instance->writer, key, hosts, count, NULL, 60, clock_tick()), SHM_OK);
}

void instance_expect_rotation(const struct instance *instance, uint64_t key, uint64_t states,
                              uint32_t ejected)
{
    struct region region;
    struct routes routes;
    struct table table;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(key)), numbered_key(key), &table),
                     SHM_OK);
    assert_int_equal(load_relaxed(table.s_states), states);
    assert_int_equal(table.limited, ejected);
    region_close(&region);
}

void instance_heartbeat(struct instance *instance, uint64_t now)
{
    writer_heartbeat(instance->writer, now);
}

static void add_key(struct keys *keys, struct route_key key)
{
    if (keys->count < KEYS_MAX)
        keys->key[keys->count] = route_key_number(key);
    keys->count++;
}

struct keys instance_flagged(struct instance *instance)
{
    struct keys keys = {0};
    struct route_ref route;
    uint32_t slot;
    struct flag_round round = writer_flags_begin(instance->writer);
    while (flag_round_next(&round, &slot))
        if (writer_route_at(instance->writer, slot, &route))
            add_key(&keys, route.key);
    writer_flags_end(instance->writer, &round);
    return keys;
}

struct keys instance_missed(struct instance *instance)
{
    struct keys keys = {0};
    struct route_key key;
    struct miss_round round = writer_misses_begin(instance->writer);
    while (miss_round_next(&round, &key))
        add_key(&keys, key);
    writer_misses_end(instance->writer, &round);
    return keys;
}

static uint32_t reader_mappings(const char *object)
{
    char line[512], name[OBJECT_NAME_MAX + 16];
    uint32_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    snprintf(name, sizeof(name), "/dev/shm%s", object);
    while (fgets(line, sizeof(line), maps)) {
        const char *found = strstr(line, name);
        /* Another object's name goes on with a dot; a removed object's with " (deleted)"; the writer's own
         * mapping can be written. A renamed object is listed under the name that it has now. */
        count += found && strstr(line, " r--s ") && found[strlen(name)] != '.';
    }
    fclose(maps);
    return count;
}

uint32_t instance_reader_mappings(const struct instance *instance)
{
    return reader_mappings(instance->names.routes);
}

uint32_t instance_hosts_mappings(const struct instance *instance)
{
    return reader_mappings(instance->names.hosts);
}

uint32_t instance_objects(const struct instance *instance)
{
    return private_instance_objects(&instance->names);
}

void instance_renew(struct instance *instance)
{
    if (writer_recreate(instance->writer, clock_tick()) != SHM_OK)
        fail_msg("a generation cannot be made");
}

enum shm_status instance_map(const struct instance *instance, bool writable, struct region *region,
                             struct routes *routes)
{
    const struct trust trust = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    enum shm_status status = region_open(instance->names.routes, writable, &trust, 0, region);
    return status == SHM_OK ? routes_attach(region, routes) : status;
}

void instance_replace_by_hand(struct instance *instance)
{
    struct region region;
    struct routes routes;
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    store_relaxed(&routes.s_header->tick, clock_tick() - LONG_SILENCE_MS);
    region_close(&region);
    private_instance_remove(&instance->names);
    /* Objects are told apart by their numbers, Unix times in milliseconds. */
    while (clock_unix_ms() <= routes.generation)
        usleep(1000);
    instance_start(instance);
}

void instance_map_control(const struct instance *instance, struct region *region, struct control *control)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region routes_region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(instance->names.control, true, &self, HEADER_BYTES, region), SHM_OK);
    assert_int_equal(control_attach(region, control_shape(&routes), control_number(routes.s_header), control),
                     SHM_OK);
    region_close(&routes_region);
}

bool instance_add_up(void *context, const struct call_report *report)
{
    *(uint64_t *)context += report->batch.succ;
    return true;
}
