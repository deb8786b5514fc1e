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

static struct host_health idle(uint64_t window)
{
    return (struct host_health){.state = HOST_IN_ROTATION, .window = window, .since = 1, .rsucc = 1};
}

static struct host_health overloaded(uint64_t since)
{
    return (struct host_health){.state = HOST_EJECTED, .window = 1, .since = since};
}

static void place(struct deadlines *deadlines, uint32_t number, struct host_health health)
{
    deadlines_place(deadlines, number, &health);
}

static void expect_first(const struct deadlines *deadlines, enum host_state state, uint32_t number)
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
        assert_true(deadlines_first(&deadlines, HOST_IN_ROTATION, &first));
        assert_int_equal(first * 7 % HOSTS, i);
        deadlines_remove(&deadlines, first);
    }
    assert_int_equal(deadlines_count(&deadlines, HOST_IN_ROTATION), 0);
    deadlines_free(&deadlines);
}

static void idle_and_overloaded_hosts_are_kept_apart(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    uint32_t first;
    assert_true(deadlines_reserve(&deadlines, 2));
    place(&deadlines, 0, idle(5));
    assert_false(deadlines_first(&deadlines, HOST_EJECTED, &first));
    place(&deadlines, 1, overloaded(4));
    expect_first(&deadlines, HOST_IN_ROTATION, 0);
    expect_first(&deadlines, HOST_EJECTED, 1);
    place(&deadlines, 0, overloaded(3));
    assert_false(deadlines_first(&deadlines, HOST_IN_ROTATION, &first));
    expect_first(&deadlines, HOST_EJECTED, 0);
    assert_int_equal(deadlines_count(&deadlines, HOST_EJECTED), 2);
    deadlines_free(&deadlines);
}

static void idle_host_without_calls_has_no_deadline(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    struct host_health host = {.state = HOST_IN_ROTATION, .window = 5};
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
    assert_int_equal(deadlines_count(&deadlines, HOST_IN_ROTATION), 0);
    deadlines_free(&deadlines);
}

static void room_is_made_without_losing_a_host(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    for (uint32_t i = 0; i < 10 * HOSTS; i++) {
        assert_true(deadlines_reserve(&deadlines, i + 1));
        place(&deadlines, i, overloaded(10 * HOSTS - i));
        expect_first(&deadlines, HOST_EJECTED, i);
    }
    assert_int_equal(deadlines_count(&deadlines, HOST_EJECTED), 10 * HOSTS);
    deadlines_free(&deadlines);
    deadlines_free(&deadlines);
}

/* ---- against a table that is searched from end to end ---- */

struct model {
    bool there[HOSTS];
    struct host_health health[HOSTS];
};

static uint64_t began(const struct host_health *health)
{
    return health->state == HOST_IN_ROTATION ? health->window : health->since;
}

static void expect_like_model(const struct deadlines *deadlines, const struct model *model,
                              enum host_state state)
{
    uint32_t count = 0, first;
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < HOSTS; i++) {
        if (!model->there[i] || model->health[i].state != state)
            continue;
        count++;
        if (began(&model->health[i]) < earliest)
            earliest = began(&model->health[i]);
    }
    assert_int_equal(deadlines_count(deadlines, state), count);
    assert_int_equal(deadlines_first(deadlines, state, &first), count > 0);
    if (count) {
        assert_true(model->there[first]);
        assert_int_equal(model->health[first].state, state);
        assert_int_equal(began(&model->health[first]), earliest);
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
        struct host_health health = what == 0 ? overloaded(time) : idle(time);
        if (what == 1)
            health.rsucc = 0;
        if (what == 2)
            deadlines_remove(&deadlines, number);
        else
            place(&deadlines, number, health);
        model.there[number] = what == 0 || what == 3;
        model.health[number] = health;
        assert_int_equal(deadlines_has(&deadlines, number), model.there[number]);
        expect_like_model(&deadlines, &model, HOST_IN_ROTATION);
        expect_like_model(&deadlines, &model, HOST_EJECTED);
    }
    deadlines_free(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_in_the_order_in_which_their_time_began),
        cmocka_unit_test(idle_and_overloaded_hosts_are_kept_apart),
        cmocka_unit_test(idle_host_without_calls_has_no_deadline),
        cmocka_unit_test(room_is_made_without_losing_a_host),
        cmocka_unit_test(any_changes_leave_the_first_one_first),
    };
    return cmocka_run_group_tests_name("unit/fetcher/deadlines", tests, NULL, NULL);
}
