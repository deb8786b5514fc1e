/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "shm/layout.h"
#include "shm/reader/call_stats.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/calls.h"

enum {
    CELLS = 1024,
    KEY = 7,
    RECORDERS = 4,
    MEETINGS = 300, /* hosts that all recorders meet at the same time */
};

static const uint64_t one_failure = UINT64_C(1) << CALL_SUCC_BITS;

static int setup(void **state)
{
    static struct calls calls;
    calls_begin(&calls, CELLS);
    *state = &calls;
    return 0;
}

static int teardown(void **state)
{
    calls_end(*state);
    return 0;
}

static void record_call(const struct calls *calls, uint64_t key, struct host_addr host, bool success)
{
    assert_int_equal(call_stats_record(&calls->control, numbered_key(key), host, success, 1, 0), SHM_OK);
}

static uint64_t counts_of(const struct calls *calls, uint64_t key, struct host_addr host)
{
    const struct call_cell *s_cell = calls_cell(calls, key, host);
    assert_non_null(s_cell);
    return call_cell_counts(&calls->control, (uint32_t)(s_cell - calls->control.s_calls));
}

static void successes_and_failures_are_counted_where_their_host_is(void **state)
{
    const struct calls *calls = *state;
    for (int i = 0; i < 5; i++)
        record_call(calls, KEY, calls_host(1), i % 2);
    assert_int_equal(counts_of(calls, KEY, calls_host(1)), 2 + 3 * one_failure);
}

/* While a host does not fail, threads that report it write to cache lines of their own. */
static void successes_of_threads_go_to_different_cache_lines_and_not_to_the_cell(void **state)
{
    const struct calls *calls = *state;
    record_call(calls, KEY, calls_host(1), true);
    const struct call_cell *s_cell = calls_cell(calls, KEY, calls_host(1));
    struct call_cell before;
    memcpy(&before, (const void *)s_cell, sizeof(before));
    for (uint32_t thread = 0; thread < 2 * CALL_SHARDS; thread++)
        call_stats_record(&calls->control, numbered_key(KEY), calls_host(1), true, 1, thread);
    assert_memory_equal(&before, (const void *)s_cell, sizeof(before));
    assert_int_equal(counts_of(calls, KEY, calls_host(1)), 1 + 2 * CALL_SHARDS);
    uint32_t cell = (uint32_t)(s_cell - calls->control.s_calls);
    for (int shard = 0; shard < CALL_SHARDS; shard++)
        assert_int_equal(load_relaxed(&calls->control.s_successes[shard][cell]), shard == 0 ? 3 : 2);
}

static void every_host_of_every_route_has_a_cell_of_its_own(void **state)
{
    const struct calls *calls = *state;
    for (uint64_t key = 0; key < 20; key++)
        for (uint32_t host = 0; host < 20; host++)
            for (uint64_t times = 0; times <= key * 20 + host; times++)
                record_call(calls, key, calls_host(host), true);
    for (uint64_t key = 0; key < 20; key++)
        for (uint32_t host = 0; host < 20; host++)
            assert_int_equal(counts_of(calls, key, calls_host(host)), key * 20 + host + 1);
}

static void a_failure_that_counts_more_than_one_is_one_failure_and_the_rest(void **state)
{
    const struct calls *calls = *state;
    assert_int_equal(call_stats_record(&calls->control, numbered_key(KEY), calls_host(1), false, 1, 0),
                     SHM_OK);
    assert_int_equal(
        call_stats_record(&calls->control, numbered_key(KEY), calls_host(1), false, CALL_WEIGHT_MAX, 0),
        SHM_OK);
    struct call_cell *s_cell = calls_cell(calls, KEY, calls_host(1));
    assert_int_equal(counts_of(calls, KEY, calls_host(1)), 2 * one_failure);
    assert_int_equal(load_relaxed(&s_cell->extra), CALL_WEIGHT_MAX - 1);
}

/* It has named the route, and not the host. */
static void die_half_way(const struct calls *calls, uint64_t key, struct host_addr host)
{
    struct call_cell *s_cell = calls_cell(calls, key, host);
    store_relaxed(&s_cell->host, 0);
    store_relaxed(&s_cell->counts, 0);
}

static void a_cell_whose_client_died_before_it_named_the_host_serves_its_route(void **state)
{
    const struct calls *calls = *state;
    record_call(calls, KEY, calls_host(1), false);
    struct call_cell *s_cell = calls_cell(calls, KEY, calls_host(1));
    die_half_way(calls, KEY, calls_host(1));
    record_call(calls, KEY, calls_host(1), false);
    assert_ptr_equal(calls_cell(calls, KEY, calls_host(1)), s_cell);
    assert_int_equal(counts_of(calls, KEY, calls_host(1)), one_failure);
}

static void cells_that_died_half_way_for_one_route_are_not_used_by_another(void **state)
{
    const struct calls *calls = *state;
    for (uint32_t i = 0; i < CELLS; i++)
        store_relaxed(&calls->control.s_calls[i].key, route_key_word(numbered_key(KEY)));
    assert_int_equal(call_stats_record(&calls->control, numbered_key(KEY + 1), calls_host(1), true, 1, 0),
                     SHM_FULL);
    record_call(calls, KEY, calls_host(1), true);
    assert_int_equal(counts_of(calls, KEY, calls_host(1)), 1);
}

static void full_cells_are_named_so_and_keep_what_they_have(void **state)
{
    struct calls small;
    (void)state;
    calls_begin(&small, 16); /* fewer than a host may use: every one of them is tried */
    for (uint32_t host = 0; host < 16; host++)
        record_call(&small, KEY, calls_host(host), true);
    void *before = malloc(small.region.size);
    assert_non_null(before);
    memcpy(before, small.region.s_base, small.region.size);
    for (uint32_t host = 16; host < 100; host++)
        assert_int_equal(call_stats_record(&small.control, numbered_key(KEY), calls_host(host), false, 1, 0),
                         SHM_FULL);
    assert_int_equal(load_relaxed(&small.control.s_header->refused), 100 - 16);
    store_relaxed(&small.control.s_header->refused, 0);
    assert_memory_equal(before, small.region.s_base, small.region.size);
    for (uint32_t host = 0; host < 16; host++)
        record_call(&small, KEY, calls_host(host), true);
    free(before);
    calls_end(&small);
}

struct recorder {
    pthread_t thread;
    uint32_t number;
    const struct calls *calls;
    pthread_barrier_t *barrier;
};

static void record_at_once(const struct calls *calls, void *(*record)(void *recorder))
{
    struct recorder recorders[RECORDERS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, RECORDERS);
    for (int i = 0; i < RECORDERS; i++) {
        recorders[i] = (struct recorder){.number = (uint32_t)i, .calls = calls, .barrier = &barrier};
        assert_int_equal(pthread_create(&recorders[i].thread, NULL, record, &recorders[i]), 0);
    }
    for (int i = 0; i < RECORDERS; i++)
        pthread_join(recorders[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
}

static void *meet(void *context)
{
    const struct recorder *recorder = context;
    for (uint32_t host = 0; host < MEETINGS; host++) {
        if (host % 32 == 0)
            pthread_barrier_wait(recorder->barrier);
        call_stats_record(&recorder->calls->control, numbered_key(KEY), calls_host(host), true, 1,
                          recorder->number);
    }
    return NULL;
}

static void clients_that_meet_a_new_host_at_once_end_up_in_one_cell(void **state)
{
    const struct calls *calls = *state;
    record_at_once(calls, meet);
    for (uint32_t host = 0; host < MEETINGS; host++)
        assert_int_equal(counts_of(calls, KEY, calls_host(host)), RECORDERS);
}

/* Threads that fail at the same time, with successes in between, once made successes by the million out of nothing. */
static void *fail_and_succeed(void *context)
{
    const struct recorder *recorder = context;
    pthread_barrier_wait(recorder->barrier);
    for (int i = 0; i < 20000; i++)
        call_stats_record(&recorder->calls->control, numbered_key(KEY), calls_host(1), i % 3 == 0, 1,
                          recorder->number);
    return NULL;
}

static void no_run_is_longer_than_what_was_recorded(void **state)
{
    const struct calls *calls = *state;
    record_at_once(calls, fail_and_succeed);
    const struct call_cell *s_cell = calls_cell(calls, KEY, calls_host(1));
    uint64_t succ = counts_of(calls, KEY, calls_host(1)) & (one_failure - 1);
    assert_int_equal(succ, RECORDERS * UINT64_C(6667));
    assert_in_range(load_relaxed(&s_cell->succ_run), 0, succ);
    struct err_runs runs = err_runs_unpack(load_relaxed(&s_cell->err_runs));
    assert_in_range(runs.mark, 0, succ);
    assert_in_range(runs.longest, 1, RECORDERS * 13333);
}

static void runs_fit_their_word_and_end_at_its_largest(void **state)
{
    const struct calls *calls = *state;
    const struct err_runs largest = {(1 << RUN_MARK_BITS) - 1, RUN_MAX, RUN_MAX};
    struct err_runs again = err_runs_unpack(err_runs_pack(largest));
    assert_memory_equal(&largest, &again, sizeof(again));
    for (int i = 0; i < 2 * RUN_MAX / CALL_WEIGHT_MAX; i++)
        assert_int_equal(
            call_stats_record(&calls->control, numbered_key(KEY), calls_host(1), false, CALL_WEIGHT_MAX, 0),
            SHM_OK);
    again = err_runs_unpack(load_relaxed(&calls_cell(calls, KEY, calls_host(1))->err_runs));
    assert_int_equal(again.run, RUN_MAX);
    assert_int_equal(again.longest, RUN_MAX);
    assert_int_equal(again.mark, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(successes_and_failures_are_counted_where_their_host_is),
        TEST(successes_of_threads_go_to_different_cache_lines_and_not_to_the_cell),
        TEST(every_host_of_every_route_has_a_cell_of_its_own),
        TEST(a_failure_that_counts_more_than_one_is_one_failure_and_the_rest),
        TEST(a_cell_whose_client_died_before_it_named_the_host_serves_its_route),
        TEST(cells_that_died_half_way_for_one_route_are_not_used_by_another),
        TEST(full_cells_are_named_so_and_keep_what_they_have),
        TEST(clients_that_meet_a_new_host_at_once_end_up_in_one_cell),
        TEST(no_run_is_longer_than_what_was_recorded),
        TEST(runs_fit_their_word_and_end_at_its_largest),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/call_stats", tests, NULL, NULL);
}
