/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "shm/control.h"
#include "shm/top_routes.h"
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

/* How long ago the clock began to go in the steps of a test; none: as ever. */
static uint64_t ahead_ms;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int code = (int)syscall(SYS_clock_gettime, clock, now);
    uint64_t ns = (uint64_t)now->tv_nsec + ahead_ms % 1000 * 1000000;
    now->tv_sec += (time_t)(ahead_ms / 1000 + ns / 1000000000);
    now->tv_nsec = (long)(ns % 1000000000);
    return code;
}

enum {
    USED = 10,
};

/* What the fetcher has added to its list since `before` agrees with what was looked up of the routes 1 .. USED. */
static void expect_listed(const struct instance *instance, const uint64_t true_counts[USED + 1],
                          uint64_t before[USED + 1])
{
    struct region region;
    struct routes routes;
    struct route_use uses[TOP_ROUTES];
    uint64_t listed[USED + 1] = {0};
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    size_t count = top_routes_read(routes.s_header, uses);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(route_key_number(uses[i].key), 1, USED);
        listed[route_key_number(uses[i].key)] = uses[i].lookups;
    }
    for (int i = 1; i <= USED; i++) {
        assert_in_range(listed[i] - before[i], true_counts[i] * 85 / 100, true_counts[i] * 115 / 100);
        before[i] = listed[i];
    }
    region_close(&region);
}

static void put_used_routes(struct instance *instance)
{
    for (uint64_t key = 1; key <= USED; key++)
        instance_put(instance, key, 1, 1 + (uint32_t)key % 5, 3600);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* By all functions that look up, and routes that come 5 to 14 times in 95. The bound is five times what chance makes of the
 * rarest of them in so many samples. */
static void estimate_agrees_with_what_was_looked_up_whatever_looks_up(void **state)
{
    enum {
        ROUNDS = 120000,
        TOGETHER = 95,
        LEAST = 5,
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_route handles[USED + 1];
    uint64_t true_counts[USED + 1] = {0}, before[USED + 1] = {0};
    uint32_t seed = 1;
    put_used_routes(instance);
    for (uint32_t key = 1; key <= USED; key++)
        assert_int_equal(larshm_route_open(h, 0, key, &handles[key]), LARSHM_OK);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        larshm_host hosts[64];
        int codes[64];
        for (int i = 0; i < 64; i++) {
            uint32_t left = next_random(&seed) % TOGETHER, key = 1;
            while (left >= key + LEAST - 1)
                left -= key++ + LEAST - 1;
            hosts[i] = (larshm_host){.cmdid = (uint32_t)key};
            true_counts[key]++;
        }
        larshm_view view;
        assert_int_equal(larshm_get_host_batch(h, hosts, codes, 40), 40);
        for (int i = 40; i < 50; i++)
            assert_int_equal(larshm_get_host(h, 0, hosts[i].cmdid, &hosts[i]), LARSHM_OK);
        for (int i = 50; i < 60; i++)
            assert_int_equal(larshm_route_pick(&handles[hosts[i].cmdid], &hosts[i]), LARSHM_OK);
        for (int i = 60; i < 64; i++) {
            assert_int_equal(larshm_route_begin(h, 0, hosts[i].cmdid, &view), LARSHM_OK);
            larshm_route_end(h, &view);
        }
        if (round % 50 == 0)
            writer_collect_uses(instance->writer);
    }
    expect_listed(instance, true_counts, before);
    larshm_close(h);
}

struct turns {
    larshm *h;
    struct writer *writer;
    uint32_t routes, lookups;
    uint64_t gap_ms;
    int reports; /* after each lookup */
    uint64_t found[USED + 1];
};

/* One lookup after the other: 1 .. routes, again and again. */
static void *look_up_in_turn(void *context)
{
    struct turns *turns = context;
    larshm_host host;
    for (uint32_t i = 0; i < turns->lookups; i++) {
        uint32_t key = 1 + i % turns->routes;
        ahead_ms += turns->gap_ms;
        writer_heartbeat(turns->writer, clock_tick());
        turns->found[key] += larshm_get_host(turns->h, 0, key, &host) == LARSHM_OK;
        for (int k = 0; k < turns->reports; k++)
            larshm_report(turns->h, &host, 0);
        if (i % 100 == 0)
            writer_collect_uses(turns->writer);
    }
    return NULL;
}

/*
 * Programs that look the same routes up for each of their own requests do so in a fixed order. Threads that look up now and then
 * have batches of any length, and lengths that keep time with that order would show some of the routes alone.
 */
static void estimate_agrees_with_what_was_looked_up_in_a_fixed_order_now_and_then(void **state)
{
    static const uint32_t counts[] = {2, 3, 5, 8};
    struct instance *instance = *state;
    uint64_t listed[USED + 1] = {0};
    larshm *h = client_open(instance);
    put_used_routes(instance);
    for (int i = 0; i < 4; i++)
        for (int way = 0; way < 4; way++) {
            struct turns turns = {.h = h,
                                  .writer = instance->writer,
                                  .routes = counts[i],
                                  .lookups = way % 2 ? 40000 : 100000,
                                  .gap_ms = way % 2 ? 300 : 100,
                                  .reports = way / 2 * 2};
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, look_up_in_turn, &turns), 0);
            pthread_join(thread, NULL);
            assert_int_equal(turns.found[1],
                             turns.lookups / turns.routes + (turns.lookups % turns.routes != 0));
            expect_listed(instance, turns.found, listed);
        }
    larshm_close(h);
}

/* A thread for each request of a program, which looks the same routes up for each. */
static void estimate_agrees_with_what_was_looked_up_by_threads_that_live_for_a_few_lookups(void **state)
{
    enum {
        REQUESTS = 5000,
    };
    struct instance *instance = *state;
    uint64_t true_counts[USED + 1] = {0}, listed[USED + 1] = {0};
    larshm *h = client_open(instance);
    put_used_routes(instance);
    for (int i = 0; i < REQUESTS; i++) {
        struct turns turns = {.h = h, .writer = instance->writer, .routes = USED, .lookups = USED};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look_up_in_turn, &turns), 0);
        pthread_join(thread, NULL);
        for (int key = 1; key <= USED; key++)
            true_counts[key] += turns.found[key];
    }
    assert_int_equal(true_counts[USED], REQUESTS);
    expect_listed(instance, true_counts, listed);
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
        TEST(estimate_agrees_with_what_was_looked_up_whatever_looks_up),
        TEST(estimate_agrees_with_what_was_looked_up_in_a_fixed_order_now_and_then),
        TEST(estimate_agrees_with_what_was_looked_up_by_threads_that_live_for_a_few_lookups),
    };
    return cmocka_run_group_tests_name("unit/reader/lookup", tests, NULL, NULL);
}
