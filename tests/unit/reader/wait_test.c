/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"

enum {
    LONG_MS = 60 * 1000 /* nothing here takes so long */
};

struct waiter {
    pthread_t thread;
    larshm *h;
    int timeout_ms, code;
    _Atomic bool done;
};

static void *wait_for_route(void *context)
{
    struct waiter *waiter = context;
    waiter->code = larshm_wait_route(waiter->h, 0, 1, waiter->timeout_ms);
    waiter->done = true;
    return NULL;
}

/* Returns when the waiter has demanded the route, so that it sleeps or is about to. */
static void start_waiting(struct instance *instance, struct waiter *waiter, int timeout_ms)
{
    waiter->timeout_ms = timeout_ms;
    waiter->done = false;
    waiter->h = client_open(instance);
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_route, waiter), 0);
    while (instance_missed(instance).count == 0)
        usleep(1000);
    assert_false(waiter->done);
}

static void end_waiting(struct waiter *waiter, int code)
{
    pthread_join(waiter->thread, NULL);
    assert_int_equal(waiter->code, code);
    larshm_close(waiter->h);
}

static void an_old_no_is_not_the_answer_that_is_waited_for(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    instance_put(instance, 1, 1, 0, 1);
    instance_heartbeat(instance, clock_tick() + 5000);
    waiter.timeout_ms = 50;
    waiter.h = client_open(instance);
    assert_int_equal(larshm_wait_route(waiter.h, 0, 1, 50), LARSHM_TIMEOUT);
    assert_int_equal(instance_flagged(instance).count, 1);
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(larshm_wait_route(waiter.h, 0, 1, 50), LARSHM_OK);
    larshm_close(waiter.h);
}

static void a_known_route_is_not_waited_for(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    instance_put(instance, 1, 1, 4, 15);
    instance_put(instance, 2, 1, 0, 15);
    h = client_open(instance);
    assert_int_equal(larshm_wait_route(h, 0, 1, 0), LARSHM_OK);
    assert_int_equal(larshm_wait_route(h, 0, 1, -1), LARSHM_OK);
    assert_int_equal(larshm_wait_route(h, 0, 2, -1), LARSHM_NOEXIST);
    larshm_close(h);
}

static void an_answer_that_does_not_come_times_out(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    h = client_open(instance);
    uint64_t start = clock_tick();
    assert_int_equal(larshm_wait_route(h, 0, 1, 0), LARSHM_TIMEOUT);
    assert_int_equal(larshm_wait_route(h, 0, 1, 150), LARSHM_TIMEOUT);
    assert_true(clock_tick() - start >= 149);
    larshm_close(h);
}

static void a_publish_wakes_the_waiter(void **state)
{
    static const int timeouts[] = {LONG_MS, -1};
    struct instance *instance = *state;
    for (int i = 0; i < 2; i++) {
        struct waiter waiter;
        start_waiting(instance, &waiter, timeouts[i]);
        /* A negative timeout outlives the slices that a waiter sleeps in. */
        if (timeouts[i] < 0)
            usleep(250 * 1000);
        assert_false(waiter.done);
        instance_put(instance, 1, 1, 4, 15);
        instance_heartbeat(instance, clock_tick());
        end_waiting(&waiter, LARSHM_OK);
        instance_teardown(state);
        instance_setup(state);
        instance = *state;
    }
}

static void a_negative_answer_wakes_the_waiter(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    start_waiting(instance, &waiter, LONG_MS);
    instance_put(instance, 1, 1, 0, 15);
    instance_heartbeat(instance, clock_tick());
    end_waiting(&waiter, LARSHM_NOEXIST);
}

static void a_waiter_follows_to_the_next_generation(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    start_waiting(instance, &waiter, LONG_MS);
    instance_renew(instance);
    instance_renew(instance);
    instance_put(instance, 1, 1, 4, 15);
    instance_heartbeat(instance, clock_tick());
    end_waiting(&waiter, LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 0);
}

static void a_waiter_outlives_the_fetcher(void **state)
{
    struct instance *instance = *state;
    struct waiter waiter;
    start_waiting(instance, &waiter, LONG_MS);
    instance_stop(instance);
    instance_start(instance);
    /* What the first fetcher took and did not answer is demanded of the second one. */
    while (instance_missed(instance).count == 0)
        usleep(1000);
    instance_put(instance, 1, 1, 4, 15);
    instance_heartbeat(instance, clock_tick());
    end_waiting(&waiter, LARSHM_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_known_route_is_not_waited_for),        TEST(an_old_no_is_not_the_answer_that_is_waited_for),
        TEST(an_answer_that_does_not_come_times_out), TEST(a_publish_wakes_the_waiter),
        TEST(a_negative_answer_wakes_the_waiter),     TEST(a_waiter_follows_to_the_next_generation),
        TEST(a_waiter_outlives_the_fetcher),
    };
    return cmocka_run_group_tests_name("unit/reader/wait", tests, NULL, NULL);
}
