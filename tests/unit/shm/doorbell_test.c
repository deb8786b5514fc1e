/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/doorbell.h"

enum {
    LONG_MS = 60 * 1000 /* nothing here takes so long */
};

struct waiter {
    pthread_t thread;
    struct routes routes;
    uint32_t count;
};

static void *wait_for_ring(void *context)
{
    struct waiter *waiter = context;
    while (doorbell_count(&waiter->routes) == waiter->count)
        doorbell_wait(&waiter->routes, waiter->count, LONG_MS);
    return NULL;
}

static void a_ring_wakes_all_who_wait(void **state)
{
    static struct routes_header header;
    struct waiter waiters[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.routes = {.s_header = &header}};
        waiters[i].count = doorbell_count(&waiters[i].routes);
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_ring, &waiters[i]), 0);
    }
    usleep(20 * 1000); /* most of them sleep by now */
    doorbell_ring(&header);
    for (int i = 0; i < 4; i++)
        pthread_join(waiters[i].thread, NULL);
}

static void a_ring_before_the_wait_is_not_slept_through(void **state)
{
    static struct routes_header header;
    const struct routes routes = {.s_header = &header};
    uint32_t count = doorbell_count(&routes);
    uint64_t begun = clock_tick();
    (void)state;
    doorbell_ring(&header);
    doorbell_wait(&routes, count, LONG_MS);
    assert_true(clock_tick() - begun < LONG_MS);
    assert_int_not_equal(doorbell_count(&routes), count);
}

static void a_wait_without_a_ring_ends(void **state)
{
    static struct routes_header header;
    const struct routes routes = {.s_header = &header};
    uint32_t count = doorbell_count(&routes);
    (void)state;
    doorbell_wait(&routes, count, 30);
    assert_int_equal(doorbell_count(&routes), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_wakes_all_who_wait),
        cmocka_unit_test(a_ring_before_the_wait_is_not_slept_through),
        cmocka_unit_test(a_wait_without_a_ring_ends),
    };
    return cmocka_run_group_tests_name("unit/shm/doorbell", tests, NULL, NULL);
}
