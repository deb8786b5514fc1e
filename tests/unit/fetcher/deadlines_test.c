/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/deadlines.h"

enum {
    HOSTS = 300,
    STEPS = 20000,
    TIMES = 50, /* few, so that many hosts have the same */
};

static struct standing idle(uint64_t window)
{
    return (struct standing){.state = STANDING_IDLE, .window = window, .since = 1, .rsucc = 1};
}

static struct standing overloaded(uint64_t since)
{
    return (struct standing){.state = STANDING_OVERLOADED, .window = 1, .since = since};
}

static void place(struct deadlines *deadlines, uint32_t number, struct standing standing)
{
    deadlines_place(deadlines, number, &standing);
}

static void expect_first(const struct deadlines *deadlines, enum standing_state state, uint32_t number)
{
    uint32_t first;
    assert_true(deadlines_first(deadlines, state, &first));
    assert_int_equal(first, number);
}

static void hosts_come_in_the_order_in_which_their_time_began(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    assert_true(deadlines_reserve(&deadlines, HOSTS));
    for (uint32_t i = 0; i < HOSTS; i++)
        place(&deadlines, i, idle(1000 + i * 7 % HOSTS));
    for (uint32_t i = 0; i < HOSTS; i++) {
        uint32_t first;
        assert_true(deadlines_first(&deadlines, STANDING_IDLE, &first));
        assert_int_equal(first * 7 % HOSTS, i);
        deadlines_remove(&deadlines, first);
    }
    assert_int_equal(deadlines_count(&deadlines, STANDING_IDLE), 0);
    deadlines_free(&deadlines);
}

static void idle_and_overloaded_hosts_are_kept_apart(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    uint32_t first;
    assert_true(deadlines_reserve(&deadlines, 2));
    place(&deadlines, 0, idle(5));
    assert_false(deadlines_first(&deadlines, STANDING_OVERLOADED, &first));
    place(&deadlines, 1, overloaded(4));
    expect_first(&deadlines, STANDING_IDLE, 0);
    expect_first(&deadlines, STANDING_OVERLOADED, 1);
    place(&deadlines, 0, overloaded(3));
    assert_false(deadlines_first(&deadlines, STANDING_IDLE, &first));
    expect_first(&deadlines, STANDING_OVERLOADED, 0);
    assert_int_equal(deadlines_count(&deadlines, STANDING_OVERLOADED), 2);
    deadlines_free(&deadlines);
}

static void idle_host_that_nobody_calls_has_no_deadline(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    struct standing host = {.state = STANDING_IDLE, .window = 5};
    assert_true(deadlines_reserve(&deadlines, 1));
    place(&deadlines, 0, host);
    assert_false(deadlines_has(&deadlines, 0));
    host.rerr = 1;
    place(&deadlines, 0, host);
    assert_true(deadlines_has(&deadlines, 0));
    host.rerr = 0;
    place(&deadlines, 0, host);
    assert_false(deadlines_has(&deadlines, 0));
    deadlines_remove(&deadlines, 0);
    assert_int_equal(deadlines_count(&deadlines, STANDING_IDLE), 0);
    deadlines_free(&deadlines);
}

static void room_is_made_without_losing_anybody(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    for (uint32_t i = 0; i < 10 * HOSTS; i++) {
        assert_true(deadlines_reserve(&deadlines, i + 1));
        place(&deadlines, i, overloaded(10 * HOSTS - i));
        expect_first(&deadlines, STANDING_OVERLOADED, i);
    }
    assert_int_equal(deadlines_count(&deadlines, STANDING_OVERLOADED), 10 * HOSTS);
    deadlines_free(&deadlines);
    deadlines_free(&deadlines);
}

/* ---- against a table that is searched from end to end ---- */

struct model {
    bool there[HOSTS];
    struct standing standing[HOSTS];
};

static uint64_t began(const struct standing *standing)
{
    return standing->state == STANDING_IDLE ? standing->window : standing->since;
}

static void expect_like_model(const struct deadlines *deadlines, const struct model *model,
                              enum standing_state state)
{
    uint32_t count = 0, first;
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < HOSTS; i++) {
        if (!model->there[i] || model->standing[i].state != state)
            continue;
        count++;
        if (began(&model->standing[i]) < earliest)
            earliest = began(&model->standing[i]);
    }
    assert_int_equal(deadlines_count(deadlines, state), count);
    assert_int_equal(deadlines_first(deadlines, state, &first), count > 0);
    if (count) {
        assert_true(model->there[first]);
        assert_int_equal(model->standing[first].state, state);
        assert_int_equal(began(&model->standing[first]), earliest);
    }
}

static void any_changes_leave_the_first_one_first(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    struct model model = {0};
    assert_true(deadlines_reserve(&deadlines, HOSTS));
    srand(1);
    for (int step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)rand() % HOSTS;
        uint64_t time = (uint64_t)rand() % TIMES;
        int what = rand() % 4;
        struct standing standing = what == 0 ? overloaded(time) : idle(time);
        if (what == 1)
            standing.rsucc = 0;
        if (what == 2)
            deadlines_remove(&deadlines, number);
        else
            place(&deadlines, number, standing);
        model.there[number] = what == 0 || what == 3;
        model.standing[number] = standing;
        assert_int_equal(deadlines_has(&deadlines, number), model.there[number]);
        expect_like_model(&deadlines, &model, STANDING_IDLE);
        expect_like_model(&deadlines, &model, STANDING_OVERLOADED);
    }
    deadlines_free(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_in_the_order_in_which_their_time_began),
        cmocka_unit_test(idle_and_overloaded_hosts_are_kept_apart),
        cmocka_unit_test(idle_host_that_nobody_calls_has_no_deadline),
        cmocka_unit_test(room_is_made_without_losing_anybody),
        cmocka_unit_test(any_changes_leave_the_first_one_first),
    };
    return cmocka_run_group_tests_name("fetcher/deadlines", tests, NULL, NULL);
}
