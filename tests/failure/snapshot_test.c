/* SPDX-License-Identifier: MIT */
/*
 * A start from a snapshot in which the n-th call of a kind fails, for each kind and each n. It ends and says why, or
 * all routes and records come back, or the file has another name; and then all routes, or none. A snapshot that finds
 * no memory is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_restore.h"
#include "shm/clock.h"
#include "shm/writer/host_store.h"
#include "tests/failure/fail.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

enum {
    KEYS = 3000,
    HOSTS = 300, /* with a record: more than the first object has room for */
};

static char folder[] = "/tmp/larshm-restore-XXXXXX", path[64], other[96];

static bool encode(const struct instance *instance, struct snapshot_encoder *encoder)
{
    const struct host_entry entry = {.health = {.since = clock_tick(), .override = OVERRIDE_DRAINED}};
    struct route_ref route;
    snapshot_encode_begin(encoder, 1 << 24, clock_unix_ms(), clock_tick());
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);)
        snapshot_encode_route(encoder, &route);
    for (uint32_t i = 1; i <= HOSTS; i++)
        snapshot_encode_host(encoder, numbered_key(1), numbered_host((uint64_t)i << 32 | 80), &entry);
    return snapshot_encode_end(encoder, instance->name, 0);
}

static void remove_objects(struct instance *instance)
{
    instance_stop(instance);
    shm_unlink(instance->names.routes);
    shm_unlink(instance->names.control);
    shm_unlink(instance->names.hosts);
}

static void put_file(const struct snapshot_encoder *encoder)
{
    const char *step;
    unlink(other);
    assert_int_equal(snapshot_file_write(path, encoder->bytes, encoder->size, &step), 0);
}

static uint32_t drained(const struct instance *instance)
{
    struct host_store *store;
    struct event failure;
    uint32_t count = 0;
    assert_int_equal(host_store_open(&store, instance->name, 1 << 20, &failure), SHM_OK);
    for (uint32_t i = 1; i <= HOSTS; i++) {
        uint32_t number = host_store_find(store, numbered_key(1), numbered_host((uint64_t)i << 32 | 80));
        count +=
            number != HOST_STORE_NONE && host_store_entry(store, number)->health.override == OVERRIDE_DRAINED;
    }
    host_store_close(store);
    return count;
}

/* True if the failure happened. */
static bool start_with_failure(struct instance *instance, enum fail_call call, unsigned long n)
{
    struct snapshot_restore *restore =
        snapshot_restore_new(path, instance->name, instance->options.max_bytes);
    assert_non_null(restore);
    instance->options.restored = snapshot_restore_source(restore);
    fail_at(call, n);
    enum shm_status status = writer_open(&instance->writer, &instance->options, &instance->event);
    bool failed = fail_end();
    snapshot_restore_delete(restore);
    instance->options.restored = NULL;
    if (status != SHM_OK) {
        instance->writer = NULL;
        if (!failed || object_exists(instance->names.routes) || access(path, F_OK) != 0)
            fail_msg("%s %lu: a start that fails leaves something, or takes the file", fail_names[call], n);
        return failed;
    }
    uint64_t routes = writer_counter(instance->writer, COUNTER_routes);
    bool kept = access(path, F_OK) == 0, aside = access(other, F_OK) == 0;
    if (kept ? routes != KEYS || drained(instance) != HOSTS : !aside || (routes != KEYS && routes != 0))
        fail_msg("%s %lu: %lu routes, and the file is %s", fail_names[call], n, (unsigned long)routes,
                 kept    ? "where it was"
                 : aside ? "put aside"
                         : "gone");
    return failed;
}

static void nth_failure_of_a_restoring_start_restores_all_or_keeps_the_file(void **state)
{
    struct instance *instance = *state;
    struct snapshot_encoder encoder = {0};
    unsigned long sum = 0;
    for (uint32_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, key % 8 + 1, 15);
    assert_true(encode(instance, &encoder));
    snapshot_seal(encoder.bytes, encoder.size);
    remove_objects(instance);
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        bool failed = true;
        for (unsigned long n = 1; failed; n++) {
            put_file(&encoder);
            failed = start_with_failure(instance, (enum fail_call)call, n);
            remove_objects(instance);
            sum += failed;
        }
    }
    printf("%lu failures\n", sum);
    assert_true(sum > 10);
    snapshot_encode_free(&encoder);
    unlink(other);
    instance_start(instance);
}

static void snapshot_that_finds_no_memory_is_none(void **state)
{
    struct instance *instance = *state;
    struct snapshot_encoder encoder = {0};
    unsigned long n = 1;
    for (uint32_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, key % 8 + 1, 15);
    for (bool failed = true; failed; n++) {
        fail_at(FAIL_mmap, n);
        bool made = encode(instance, &encoder);
        failed = fail_end();
        assert_int_equal(made, !failed);
        snapshot_encode_free(&encoder);
    }
    assert_true(n > 2);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/x", folder);
    snprintf(other, sizeof(other), "%s.other", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nth_failure_of_a_restoring_start_restores_all_or_keeps_the_file,
                                        instance_setup, instance_teardown),
        cmocka_unit_test_setup_teardown(snapshot_that_finds_no_memory_is_none, instance_setup,
                                        instance_teardown),
    };
    return cmocka_run_group_tests_name("failure/snapshot", tests, make_folder, remove_folder);
}
