/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/token_bucket.h"

/* How many may be done in so many steps of `step_ms`, if each is done at once. */
static uint32_t granted(uint32_t per_second, uint64_t step_ms, uint32_t steps)
{
    struct token_bucket bucket = {0};
    uint32_t done = 0;
    for (uint32_t i = 1; i <= steps; i++) {
        token_bucket_fill(&bucket, per_second, i * step_ms);
        for (; bucket.tokens >= 1; done++)
            bucket.tokens--;
    }
    return done;
}

static void the_rate_is_kept_whatever_the_step(void **state)
{
    (void)state;
    assert_in_range(granted(1000, 1, 10000), 9990, 10000);
    assert_in_range(granted(1000, 10, 1000), 9990, 10000);
    assert_in_range(granted(1000, 100, 100), 9990, 10000);
    assert_in_range(granted(7, 10, 1000), 65, 70); /* what is saved up is cut at one */
}

static void a_pause_gives_no_right_to_a_burst(void **state)
{
    struct token_bucket bucket = {0};
    (void)state;
    token_bucket_fill(&bucket, 1000, 3600 * 1000);
    assert_in_range(bucket.tokens, 99, 100);
    token_bucket_fill(&bucket, 1000, 7200 * 1000);
    assert_in_range(bucket.tokens, 99, 100);
}

static void a_rate_of_less_than_one_a_burst_still_gets_its_one(void **state)
{
    (void)state;
    assert_in_range(granted(1, 10, 1000), 9, 10);
    assert_in_range(granted(2, 50, 200), 18, 20);
}

static void a_lower_rate_takes_back_what_was_saved(void **state)
{
    struct token_bucket bucket = {0};
    (void)state;
    token_bucket_fill(&bucket, 100000, 1000);
    token_bucket_fill(&bucket, 100, 1001);
    assert_in_range(bucket.tokens, 1, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_kept_whatever_the_step),
        cmocka_unit_test(a_pause_gives_no_right_to_a_burst),
        cmocka_unit_test(a_rate_of_less_than_one_a_burst_still_gets_its_one),
        cmocka_unit_test(a_lower_rate_takes_back_what_was_saved),
    };
    return cmocka_run_group_tests_name("unit/fetcher/token_bucket", tests, NULL, NULL);
}
