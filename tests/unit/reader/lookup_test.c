/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/mman.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "shm/control.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    THREADS = 8
};

static void every_key_but_the_last_one_can_be_a_route(void **state)
{
    static const uint64_t keys[] = {0, 1, UINT64_C(1) << 32, UINT64_MAX - 1, (uint64_t)UINT32_MAX << 32};
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        assert_int_equal(larshm_get_host(h, numbered_key(keys[i]).modid, numbered_key(keys[i]).cmdid, &host),
                         LARSHM_PENDING);
        assert_int_equal(instance_missed(instance).key[0], keys[i]);
        instance_put(instance, keys[i], 1, 4, 15);
        assert_int_equal(larshm_get_host(h, numbered_key(keys[i]).modid, numbered_key(keys[i]).cmdid, &host),
                         LARSHM_OK);
    }
    larshm_close(h);
}

static void the_last_key_is_no_route_and_is_never_asked_for(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    larshm_view view;
    larshm_route_info info;
    size_t count;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(larshm_get_host(h, UINT32_MAX, UINT32_MAX, &host), LARSHM_NOEXIST);
    assert_int_equal(larshm_get_route(h, UINT32_MAX, UINT32_MAX, &host, 1, &count), LARSHM_NOEXIST);
    assert_int_equal(larshm_route_begin(h, UINT32_MAX, UINT32_MAX, &view), LARSHM_NOEXIST);
    assert_int_equal(larshm_wait_route(h, UINT32_MAX, UINT32_MAX, 0), LARSHM_NOEXIST);
    assert_int_equal(larshm_info(h, UINT32_MAX, UINT32_MAX, &info), LARSHM_NOEXIST);
    assert_int_equal(instance_missed(instance).count, 0);
    /* Nor does the writer take it for the route whose table lies first in the arena. */
    set_pulling_by_key(instance->writer, numbered_key(1));
    set_new_by_key(instance->writer, ROUTE_KEY_NONE);
    assert_int_equal(state_by_key(instance->writer, numbered_key(1)), ROUTE_PULLING);
    larshm_close(h);
}

static void *miss_the_same_key(void *h)
{
    larshm_host host;
    uintptr_t pending = 0;
    for (int i = 0; i < 1000; i++)
        pending += larshm_get_host(h, 3, 4, &host) == LARSHM_PENDING;
    return (void *)pending;
}

static void a_storm_of_misses_on_one_key_is_one_request(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, miss_the_same_key, h), 0);
    for (int i = 0; i < THREADS; i++) {
        void *pending;
        pthread_join(threads[i], &pending);
        assert_int_equal((uintptr_t)pending, 1000);
    }
    struct keys missed = instance_missed(instance);
    /* Threads that find different free cells at the same moment may name it in each of the four that it can use. */
    assert_in_range(missed.count, 1, 4);
    for (uint32_t i = 0; i < missed.count; i++)
        assert_int_equal(missed.key[i], route_key_number(route_key(3, 4)));
    assert_int_equal(instance_missed(instance).count, 0);
    miss_the_same_key(h);
    assert_int_equal(instance_missed(instance).count, 1);
    larshm_close(h);
}

static void a_full_table_of_misses_loses_no_known_route(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    instance_put(instance, route_key_number(route_key(9, 9)), 1, 4, 1);
    instance_heartbeat(instance, clock_tick() + 5000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(larshm_get_host(h, 1000, i, &host), LARSHM_PENDING);
    assert_int_equal(larshm_get_host(h, 9, 9, &host), LARSHM_OK);
    struct keys flagged = instance_flagged(instance);
    assert_int_equal(flagged.count, 1);
    assert_int_equal(flagged.key[0], route_key_number(route_key(9, 9)));
    assert_in_range(instance_missed(instance).count, 1, MISS_CELLS);
    larshm_close(h);
}

static void g9_an_expired_route_is_answered_and_asked_for_once(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    uint64_t now = clock_tick();
    instance_put(instance, 1, 1, 4, 1);
    instance_put(instance, 2, 1, 4, 1000);
    instance_heartbeat(instance, now);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 0);
    instance_heartbeat(instance, now + 60 * 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        assert_int_equal(larshm_get_host(h, 0, 2, &host), LARSHM_OK);
    }
    struct keys flagged = instance_flagged(instance);
    assert_int_equal(flagged.count, 1);
    assert_int_equal(flagged.key[0], 1);
    const struct route_ref route = writer_find(instance->writer, numbered_key(1));
    assert_true(route_ref_is_expired(&route, now + 60 * 1000));
    assert_int_equal(instance_flagged(instance).count, 0);
    larshm_close(h);
}

static void a_route_being_pulled_is_not_asked_for_again(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    uint64_t later = clock_tick() + 60 * 1000;
    instance_put(instance, 1, 1, 4, 1);
    instance_heartbeat(instance, later);
    set_pulling_by_key(instance->writer, numbered_key(1));
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 0);
    /* Rule 6: the connection was lost, and the route may be demanded again. */
    set_new_by_key(instance->writer, numbered_key(1));
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 1);
    larshm_close(h);
}

static void a_negative_answer_is_served_and_refreshed(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    instance_put(instance, 1, 1, 0, 1);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    instance_heartbeat(instance, clock_tick() + 5000);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    assert_int_equal(instance_flagged(instance).count, 1);
    instance_put(instance, 1, 1, 2, 15);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    larshm_close(h);
}

static void a_reached_limit_has_its_own_code(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    enum shm_status status = SHM_OK;
    for (uint64_t key = 1; status == SHM_OK; key++)
        status = put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 15, clock_tick());
    assert_int_equal(status, SHM_FULL);
    assert_int_equal(larshm_get_host(h, 5, 5, &host), LARSHM_FULL);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    larshm_close(h);
}

static void a_missing_control_object_is_no_matter_of_permission(void **state)
{
    struct instance *instance = *state;
    larshm_host host;
    shm_unlink(instance->names.control);
    larshm *h = client_open(instance);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_PENDING);
    larshm_close(h);
}

static void lookups_of_all_threads_are_counted_in_batches(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    for (int i = 0; i < 1000; i++)
        larshm_get_host(h, 0, 1, &host);
    larshm_close(h);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups), 1000);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups_missed), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_key_but_the_last_one_can_be_a_route),
        TEST(the_last_key_is_no_route_and_is_never_asked_for),
        TEST(a_storm_of_misses_on_one_key_is_one_request),
        TEST(a_full_table_of_misses_loses_no_known_route),
        TEST(g9_an_expired_route_is_answered_and_asked_for_once),
        TEST(a_route_being_pulled_is_not_asked_for_again),
        TEST(a_negative_answer_is_served_and_refreshed),
        TEST(a_reached_limit_has_its_own_code),
        TEST(a_missing_control_object_is_no_matter_of_permission),
        TEST(lookups_of_all_threads_are_counted_in_batches),
    };
    return cmocka_run_group_tests_name("unit/reader/lookup", tests, NULL, NULL);
}
