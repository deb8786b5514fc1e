/* SPDX-License-Identifier: MIT */
/* A writer and a host store that begin with a snapshot, as after a reboot. */
#include "fetcher/snapshot_restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_file.h"
#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/writer/host_store.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEYS = 3000, /* more than the first object has room for */
    AGE_MS = 50000,
    DATA_VERSION = 100,
};

#define HOST numbered_host(UINT64_C(1) << 32 | 80)

static char folder[] = "/tmp/larshm-restore-XXXXXX", path[64];

/* Of one to eight hosts. */
static void put_routes(struct instance *instance, uint32_t keys)
{
    for (uint32_t key = 1; key <= keys; key++)
        instance_put(instance, key, 3, key % 8 + 1, 15);
}

/* A snapshot of routes that were fetched AGE_MS before it, and of two records. */
static void take(struct instance *instance, const char *name)
{
    struct snapshot_encoder encoder = {0};
    struct route_ref route;
    const struct host_entry own = {.health = {.total_succ = 5}};
    const struct host_entry pinned = {.health = {.since = clock_tick(), .override = OVERRIDE_PINNED}};
    const char *step;
    snapshot_encode_begin(&encoder, 1 << 24, clock_unix_ms() - AGE_MS, clock_tick());
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);)
        snapshot_encode_route(&encoder, &route);
    snapshot_encode_host(&encoder, numbered_key(1), HOST_ADDR_NONE, &own);
    snapshot_encode_host(&encoder, numbered_key(1), HOST, &pinned);
    assert_true(snapshot_encode_end(&encoder, name, DATA_VERSION));
    snapshot_seal(encoder.bytes, encoder.size);
    assert_int_equal(snapshot_file_write(path, encoder.bytes, encoder.size, &step), 0);
    snapshot_encode_free(&encoder);
}

static void remove_objects(struct instance *instance)
{
    instance_stop(instance);
    shm_unlink(instance->names.routes);
    shm_unlink(instance->names.control);
    shm_unlink(instance->names.hosts);
}

static void start_restored(struct instance *instance)
{
    struct snapshot_restore *restore =
        snapshot_restore_new(path, instance->name, instance->options.max_bytes);
    assert_non_null(restore);
    instance->options.restored = snapshot_restore_source(restore);
    instance_start(instance);
    instance->options.restored = NULL;
    snapshot_restore_delete(restore);
}

static struct host_entry record(const struct instance *instance, struct host_addr host)
{
    struct host_store *store;
    struct event failure;
    struct host_entry entry = {0};
    assert_int_equal(host_store_open(&store, instance->name, 1 << 20, &failure), SHM_OK);
    uint32_t number = host_store_find(store, numbered_key(1), host);
    if (number != HOST_STORE_NONE)
        entry = *host_store_entry(store, number);
    host_store_close(store);
    return entry;
}

static void g9_routes_records_and_the_version_come_back_and_routes_are_expired_with_their_age(void **state)
{
    struct instance *instance = *state;
    put_routes(instance, KEYS);
    take(instance, instance->name);
    remove_objects(instance);
    start_restored(instance);
    assert_int_equal(instance_next_event(instance), EVENT_RESTORED);
    assert_int_equal(instance->event.number[2], 0);
    uint64_t now = clock_tick(), routes = 0;
    struct route_ref route;
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);) {
        uint32_t round = UINT32_MAX;
        assert_int_equal(route_ref_count(&route), route.key.cmdid % 8 + 1);
        assert_true(self_checking_holds(route.key.cmdid, 0, table_host(&route.table, 0), &round));
        assert_true(now - table_fetched(&route.table) >= AGE_MS);
        assert_true(route_ref_is_expired(&route, now + 1));
        routes++;
    }
    assert_int_equal(routes, KEYS);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), routes);
    assert_int_equal(writer_data_version(instance->writer), DATA_VERSION);
    assert_int_equal(record(instance, HOST_ADDR_NONE).health.total_succ, 5);
    assert_int_equal(record(instance, HOST).health.override, OVERRIDE_PINNED);
}

static void what_the_instance_has_is_newer(void **state)
{
    struct instance *instance = *state;
    put_routes(instance, 10);
    take(instance, instance->name);
    instance_put(instance, 11, 1, 4, 15);
    instance_stop(instance);
    start_restored(instance);
    assert_int_equal(instance_next_event(instance), EVENT_ADOPTED);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 11);
    assert_int_equal(record(instance, HOST_ADDR_NONE).health.total_succ, 0);
}

/* Killed while records were restored: one is there whole, one is there and empty. */
static void g5_fetcher_that_died_while_it_restored_is_followed_by_one_that_restores_all(void **state)
{
    struct instance *instance = *state;
    struct host_store *store;
    struct event failure;
    put_routes(instance, 10);
    take(instance, instance->name);
    remove_objects(instance);
    assert_int_equal(host_store_open(&store, instance->name, 1 << 20, &failure), SHM_OK);
    host_store_add(store, numbered_key(1), HOST);
    host_store_close(store);
    start_restored(instance);
    assert_int_equal(record(instance, HOST_ADDR_NONE).health.total_succ, 5);
    assert_int_equal(record(instance, HOST).health.override, OVERRIDE_PINNED);
}

static void g10_routes_beyond_max_bytes_are_left_out_and_new_ones_find_no_room(void **state)
{
    struct instance *instance = *state;
    uint64_t max_bytes = instance->options.max_bytes;
    put_routes(instance, KEYS);
    take(instance, instance->name);
    remove_objects(instance);
    instance->options.max_bytes = 400000;
    start_restored(instance);
    assert_int_equal(instance_next_event(instance), EVENT_RESTORED);
    assert_true(instance->event.number[1] > 0);
    assert_true(instance->event.number[2] > 0);
    assert_int_equal(instance->event.number[1] + instance->event.number[2], KEYS);
    instance->options.max_bytes = max_bytes;
}

static void file_that_cannot_be_used_is_put_aside_and_costs_nothing(void **state)
{
    struct instance *instance = *state;
    char other[96];
    snprintf(other, sizeof(other), "%s.other", path);
    put_routes(instance, 10);
    take(instance, instance->name);
    assert_int_equal(truncate(path, 200), 0);
    remove_objects(instance);
    start_restored(instance);
    assert_int_equal(instance_next_event(instance), EVENT_NONE);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(unlink(other), 0);
    remove_objects(instance);
    start_restored(instance); /* no file at all */
    assert_int_equal(instance_next_event(instance), EVENT_NONE);
}

static void snapshot_of_another_instance_is_neither_read_nor_put_aside(void **state)
{
    struct instance *instance = *state;
    put_routes(instance, 10);
    take(instance, "another");
    remove_objects(instance);
    start_restored(instance);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 0);
    assert_int_equal(unlink(path), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/x.snapshot", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
        TEST(g9_routes_records_and_the_version_come_back_and_routes_are_expired_with_their_age),
        TEST(what_the_instance_has_is_newer),
        TEST(g5_fetcher_that_died_while_it_restored_is_followed_by_one_that_restores_all),
        TEST(g10_routes_beyond_max_bytes_are_left_out_and_new_ones_find_no_room),
        TEST(file_that_cannot_be_used_is_put_aside_and_costs_nothing),
        TEST(snapshot_of_another_instance_is_neither_read_nor_put_aside),
#undef TEST
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_restore", tests, make_folder, remove_folder);
}
