/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/requests.h"
#include "fetcher/window.h"

enum {
    POLL_MS = 10,
    SELDOM_MS = 500,
    FAR_MS = 400,
    SLOW_MS = 250,
    TIMEOUT_MS = 4 * SLOW_MS,
};

static void window_grows_only_while_it_is_in_use_and_answers_are_quick(void **state)
{
    (void)state;
    struct window window;
    window_init(&window);
    assert_int_equal(window_size(&window), WINDOW_FIRST);
    for (int i = 0; i < 1000; i++)
        window_answered(&window, 1 + (uint32_t)i % (WINDOW_FIRST / 4), 0, SLOW_MS);
    assert_int_equal(window_size(&window), WINDOW_FIRST);
    for (int i = 0; i < 1000; i++)
        window_answered(&window, window_size(&window), SLOW_MS, SLOW_MS);
    assert_true(window_size(&window) > WINDOW_FIRST);
    for (int i = 0; i < 10000; i++)
        window_answered(&window, 2, SLOW_MS + 1, SLOW_MS);
    assert_int_equal(window_size(&window), WINDOW_LEAST);
}

static void window_is_never_larger_than_the_table_of_requests(void **state)
{
    (void)state;
    struct window window;
    window_init(&window);
    for (int i = 0; i < 10 * REQUESTS_MAX; i++)
        window_answered(&window, REQUESTS_MAX, 0, SLOW_MS);
    assert_int_equal(window_size(&window), REQUESTS_MAX);
}

/* Requests that all routes in use demand without end, at a directory that answers so many a second, in order. */
struct trial {
    struct window window;
    uint64_t sent[REQUESTS_MAX];  /* millisecond, of those that are outstanding: a ring */
    uint64_t first, served, last; /* of these: not read, not answered, not sent yet */
    uint64_t per_second;
    uint64_t poll_ms; /* between two times that the fetcher reads answers and sends more */
    uint64_t far_ms;  /* the way of a request and of its answer */
};

/* Runs from one second to another. Returns the longest that an answer took; *answered: how many came. */
static uint64_t run(struct trial *trial, uint64_t from, uint64_t to, uint64_t *answered)
{
    uint64_t longest = 0;
    *answered = 0;
    for (uint64_t now = from * 1000; now < to * 1000; now++) {
        uint64_t able = (now + 1) * trial->per_second / 1000 - now * trial->per_second / 1000;
        for (; able > 0 && trial->served < trial->last &&
               trial->sent[trial->served % REQUESTS_MAX] + trial->far_ms <= now;
             able--)
            trial->served++;
        if (now % trial->poll_ms != 0)
            continue;
        for (; trial->first < trial->served; ++*answered) {
            uint64_t took = now - trial->sent[trial->first % REQUESTS_MAX];
            window_answered(&trial->window, (uint32_t)(trial->last - trial->first++), took, SLOW_MS);
            longest = took > longest ? took : longest;
        }
        while (trial->last - trial->first < window_size(&trial->window))
            trial->sent[trial->last++ % REQUESTS_MAX] = now;
    }
    return longest;
}

static void directory_that_is_slower_than_all_demands_is_never_idle_and_never_late(void **state)
{
    (void)state;
    static const uint64_t rates[] = {100, 1000, 10000, 100000};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        static struct trial trial;
        uint64_t answered;
        trial = (struct trial){.per_second = rates[i], .poll_ms = POLL_MS};
        window_init(&trial.window);
        run(&trial, 0, 30, &answered);
        assert_in_range(run(&trial, 30, 60, &answered), SLOW_MS, TIMEOUT_MS);
        assert_in_range(answered, 30 * rates[i] * 99 / 100, 30 * rates[i]);
    }
}

static void directory_that_becomes_ten_times_slower_is_late_for_a_while_only(void **state)
{
    (void)state;
    static struct trial trial;
    uint64_t answered;
    trial = (struct trial){.per_second = 10000, .poll_ms = POLL_MS};
    window_init(&trial.window);
    run(&trial, 0, 30, &answered);
    trial.per_second = 1000;
    assert_true(run(&trial, 30, 35, &answered) > TIMEOUT_MS);
    run(&trial, 35, 60, &answered);
    assert_in_range(run(&trial, 60, 90, &answered), SLOW_MS, TIMEOUT_MS);
    assert_in_range(answered, 30 * 990, 30 * 1000);
}

static void window_does_not_close_where_the_fetcher_seldom_runs_or_the_directory_is_far(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1000, 10000, 50000};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++)
        for (int is_far = 0; is_far < 2; is_far++) {
            static struct trial trial;
            uint64_t answered;
            trial = (struct trial){.per_second = rates[i],
                                   .poll_ms = is_far ? POLL_MS : SELDOM_MS,
                                   .far_ms = is_far ? FAR_MS : 0};
            window_init(&trial.window);
            run(&trial, 0, 30, &answered);
            run(&trial, 30, 60, &answered);
            assert_in_range(answered, 30 * rates[i] * 9 / 10, 30 * rates[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_grows_only_while_it_is_in_use_and_answers_are_quick),
        cmocka_unit_test(window_is_never_larger_than_the_table_of_requests),
        cmocka_unit_test(directory_that_is_slower_than_all_demands_is_never_idle_and_never_late),
        cmocka_unit_test(directory_that_becomes_ten_times_slower_is_late_for_a_while_only),
        cmocka_unit_test(window_does_not_close_where_the_fetcher_seldom_runs_or_the_directory_is_far),
    };
    return cmocka_run_group_tests_name("unit/fetcher/window", tests, NULL, NULL);
}
