/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/doorbell.h"

enum {
    LONG_MS = 60 * 1000 /* nothing here takes so long */
};

static _Atomic bool without_clock;

/* In place of libc's, for the library under test. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!without_clock || clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, now);
    errno = EPERM;
    return -1;
}

struct waiter {
    pthread_t thread;
    struct routes routes;
    uint32_t count, bits;
    _Atomic bool done;
};

static void *wait_for_ring(void *context)
{
    struct waiter *waiter = context;
    while (doorbell_count(&waiter->routes) == waiter->count)
        doorbell_wait(&waiter->routes, waiter->count, waiter->bits, LONG_MS);
    return NULL;
}

static void a_ring_wakes_all_who_wait(void **state)
{
    static struct routes_header header;
    struct waiter waiters[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.routes = {.s_header = &header}, .bits = DOORBELL_CHANGES};
        waiters[i].count = doorbell_count(&waiters[i].routes);
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_ring, &waiters[i]), 0);
    }
    usleep(20 * 1000); /* most of them sleep by now */
    doorbell_ring(&header, DOORBELL_CHANGES);
    for (int i = 0; i < 4; i++)
        pthread_join(waiters[i].thread, NULL);
}

static void *wait_once(void *context)
{
    struct waiter *waiter = context;
    doorbell_wait(&waiter->routes, waiter->count, waiter->bits, LONG_MS);
    waiter->done = true;
    return NULL;
}

/* Starts a waiter that sleeps, or is about to. */
static void start(struct waiter *waiter, struct routes_header *header, uint32_t bits)
{
    *waiter = (struct waiter){.routes = {.s_header = header}, .bits = bits};
    waiter->count = doorbell_count(&waiter->routes);
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_once, waiter), 0);
}

static void rings_and_wakes_for_others_wake_no_waiter(void **state)
{
    static struct routes_header header;
    struct waiter waiters[2];
    const uint32_t own[] = {doorbell_own(3), doorbell_own(4)};
    (void)state;
    start(&waiters[0], &header, DOORBELL_ANSWERS | own[0]);
    start(&waiters[1], &header, DOORBELL_CHANGES | own[1]);
    usleep(50 * 1000); /* both sleep by now */
    doorbell_ring(&header, DOORBELL_CHANGES);
    pthread_join(waiters[1].thread, NULL);
    usleep(20 * 1000);
    assert_false(waiters[0].done);
    start(&waiters[1], &header, DOORBELL_CHANGES | own[1]);
    while (!waiters[0].done) { /* a wake is lost where the waiter does not sleep yet */
        doorbell_wake(&header, own[0]);
        usleep(1000);
    }
    pthread_join(waiters[0].thread, NULL);
    assert_false(waiters[1].done);
    doorbell_ring(&header, DOORBELL_CHANGES);
    pthread_join(waiters[1].thread, NULL);
}

static void own_bits_are_none_that_a_fetcher_rings_for(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 100; random++) {
        uint32_t own = doorbell_own(random);
        assert_int_equal(own & (DOORBELL_ANSWERS | DOORBELL_CHANGES), 0);
        assert_int_equal(__builtin_popcount(own), 1);
    }
}

static void a_ring_before_the_wait_is_not_slept_through(void **state)
{
    static struct routes_header header;
    const struct routes routes = {.s_header = &header};
    uint32_t count = doorbell_count(&routes);
    uint64_t begun = clock_tick();
    (void)state;
    doorbell_ring(&header, DOORBELL_CHANGES);
    doorbell_wait(&routes, count, DOORBELL_CHANGES, LONG_MS);
    assert_true(clock_tick() - begun < LONG_MS);
    assert_int_not_equal(doorbell_count(&routes), count);
}

static void a_wait_without_a_ring_ends(void **state)
{
    static struct routes_header header;
    const struct routes routes = {.s_header = &header};
    uint32_t count = doorbell_count(&routes);
    (void)state;
    doorbell_wait(&routes, count, DOORBELL_CHANGES, 30);
    assert_int_equal(doorbell_count(&routes), count);
}

static void where_the_machine_refuses_the_clock_waits_end_by_a_ring_or_in_time(void **state)
{
    static struct routes_header header;
    const struct routes routes = {.s_header = &header};
    (void)state;
    without_clock = true;
    uint64_t begun = clock_tick();
    doorbell_wait(&routes, doorbell_count(&routes), DOORBELL_CHANGES, 30);
    assert_true(clock_tick() - begun >= 20);
    a_ring_wakes_all_who_wait(state);
    without_clock = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_wakes_all_who_wait),
        cmocka_unit_test(rings_and_wakes_for_others_wake_no_waiter),
        cmocka_unit_test(own_bits_are_none_that_a_fetcher_rings_for),
        cmocka_unit_test(a_ring_before_the_wait_is_not_slept_through),
        cmocka_unit_test(a_wait_without_a_ring_ends),
        cmocka_unit_test(where_the_machine_refuses_the_clock_waits_end_by_a_ring_or_in_time),
    };
    return cmocka_run_group_tests_name("unit/shm/doorbell", tests, NULL, NULL);
}
