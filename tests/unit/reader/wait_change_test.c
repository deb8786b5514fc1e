/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"

enum {
    LONG_MS = 60 * 1000 /* nothing here takes so long */
};

struct waiter {
    pthread_t thread;
    larshm *h;
    uint64_t before, since;
    int timeout_ms, code;
    _Atomic bool begun, done;
};

static void *wait_for_change(void *context)
{
    struct waiter *waiter = context;
    waiter->begun = true;
    waiter->code = larshm_wait_change(waiter->h, &waiter->since, waiter->timeout_ms);
    waiter->done = true;
    return NULL;
}

/* Returns when the waiter sleeps or is about to. */
static void start_waiting(struct instance *instance, struct waiter *waiter, int timeout_ms)
{
    *waiter = (struct waiter){.h = client_open(instance), .timeout_ms = timeout_ms};
    assert_int_equal(larshm_wait_change(waiter->h, &waiter->since, 0), LARSHM_OK);
    waiter->before = waiter->since;
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_change, waiter), 0);
    while (!waiter->begun)
        usleep(1000);
    usleep(20 * 1000);
    assert_false(waiter->done);
}

static void expect_woken(struct waiter *waiter)
{
    pthread_join(waiter->thread, NULL);
    assert_int_equal(waiter->code, LARSHM_OK);
    assert_true(waiter->since > waiter->before);
    larshm_close(waiter->h);
}

static void first_call_returns_at_once_and_the_next_times_out(void **state)
{
    larshm *h = client_open(*state);
    uint64_t since = 0, begun = clock_tick();
    assert_int_equal(larshm_wait_change(h, &since, -1), LARSHM_OK);
    uint64_t before = since;
    assert_int_equal(larshm_wait_change(h, &since, 0), LARSHM_TIMEOUT);
    assert_int_equal(larshm_wait_change(h, &since, 50), LARSHM_TIMEOUT);
    assert_true(clock_tick() - begun >= 49);
    assert_true(since == before);
    larshm_close(h);
}

static void publish_wakes_the_waiter_and_a_refresh_does_not(void **state)
{
    static const int timeouts[] = {LONG_MS, -1};
    struct instance *instance = *state;
    for (uint32_t i = 0; i < 2; i++) {
        struct waiter waiter;
        instance_put(instance, 1, i, 4, 15);
        instance_heartbeat(instance, clock_tick());
        start_waiting(instance, &waiter, timeouts[i]);
        instance_put(instance, 1, i, 4, 15);
        instance_heartbeat(instance, clock_tick());
        usleep(20 * 1000);
        assert_false(waiter.done);
        instance_put(instance, 1, i + 1, 4, 15);
        instance_heartbeat(instance, clock_tick());
        expect_woken(&waiter);
    }
}

static void ejection_wakes_the_waiter(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    instance_put(instance, 1, 1, 4, 15);
    start_waiting(instance, &waiter, LONG_MS);
    const struct route_ref route = writer_find(instance->writer, route_key(0, 1));
    writer_set_share(instance->writer, &route, 0, SHARE_EJECTED);
    instance_heartbeat(instance, clock_tick());
    expect_woken(&waiter);
}

static void waiter_follows_to_the_next_generation_and_the_next_fetcher(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    start_waiting(instance, &waiter, LONG_MS);
    instance_renew(instance);
    instance_renew(instance);
    usleep(20 * 1000);
    assert_false(waiter.done);
    instance_put(instance, 1, 1, 4, 15);
    instance_heartbeat(instance, clock_tick());
    expect_woken(&waiter);
    start_waiting(instance, &waiter, -1);
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 1, 2, 4, 15);
    instance_heartbeat(instance, clock_tick());
    expect_woken(&waiter);
    assert_int_equal(instance_reader_mappings(instance), 0);
}

/* Each wait is short, so that the look that follows it comes soon. */
static void waiter_finds_an_object_that_no_doorbell_tells_of(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    uint64_t since = 0;
    assert_int_equal(larshm_wait_change(h, &since, 0), LARSHM_OK);
    instance_replace_by_hand(instance);
    eventually(larshm_wait_change(h, &since, 10) == LARSHM_OK);
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(larshm_wait_change(h, &since, 0), LARSHM_OK);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(first_call_returns_at_once_and_the_next_times_out),
        TEST(publish_wakes_the_waiter_and_a_refresh_does_not),
        TEST(ejection_wakes_the_waiter),
        TEST(waiter_finds_an_object_that_no_doorbell_tells_of),
        TEST(waiter_follows_to_the_next_generation_and_the_next_fetcher),
    };
    return cmocka_run_group_tests_name("unit/reader/wait_change", tests, NULL, NULL);
}
