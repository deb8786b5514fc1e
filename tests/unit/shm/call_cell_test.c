/* SPDX-License-Identifier: MIT */
#include "shm/call_cell.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/calls.h"

enum {
    CELLS = 1024
};

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

static void a_cell_is_named_only_on_request_and_is_the_same_for_all(void **state)
{
    const struct control *control = &((struct calls *)*state)->control;
    assert_int_equal(call_cell_find(control, numbered_key(1), calls_host(0)), CALL_CELL_NONE);
    uint32_t cell = call_cell_claim(control, numbered_key(1), calls_host(0));
    assert_in_range(cell, 0, CELLS - 1);
    assert_int_equal(call_cell_find(control, numbered_key(1), calls_host(0)), cell);
    assert_int_equal(call_cell_claim(control, numbered_key(1), calls_host(0)), cell);
    assert_int_equal(call_cell_find(control, numbered_key(1), calls_host(1)), CALL_CELL_NONE);
    assert_int_equal(call_cell_find(control, numbered_key(2), calls_host(0)), CALL_CELL_NONE);
}

/* Hosts that find others in their way are where they were put, to the last. */
static void every_cell_that_was_claimed_is_found(void **state)
{
    const struct control *control = &((struct calls *)*state)->control;
    uint32_t cells[CELLS];
    for (uint32_t host = 0; host < CELLS; host++)
        cells[host] = call_cell_claim(control, numbered_key(1), calls_host(host));
    for (uint32_t host = 0; host < CELLS; host++)
        assert_int_equal(call_cell_find(control, numbered_key(1), calls_host(host)), cells[host]);
}

static void counts_are_the_sum_of_the_cell_and_its_shards(void **state)
{
    const struct control *control = &((struct calls *)*state)->control;
    store_relaxed(&control->s_calls[7].counts, 1000);
    for (uint32_t shard = 0; shard < CALL_SHARDS; shard++)
        store_relaxed(&control->s_successes[shard][7], shard + 1);
    assert_int_equal(call_cell_counts(control, 7), 1000 + CALL_SHARDS * (CALL_SHARDS + 1) / 2);
    assert_int_equal(call_cell_counts(control, 6), 0);
    assert_int_equal(call_cell_counts(control, 8), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_cell_is_named_only_on_request_and_is_the_same_for_all),
        TEST(every_cell_that_was_claimed_is_found),
        TEST(counts_are_the_sum_of_the_cell_and_its_shards),
    };
    return cmocka_run_group_tests_name("unit/shm/call_cell", tests, NULL, NULL);
}
