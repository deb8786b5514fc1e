/* SPDX-License-Identifier: MIT */
/* What is known of a host, and what an operator has said of it, outlives tables, objects and fetchers. */
#include <unistd.h>

#include "shm/order.h"
#include "tests/support/rotation.h"

enum {
    BAD = 2,
    HELD = 3, /* the host that an operator holds */
    SUCCESSES = 40,
    OTHERS_MODID = 3,
    MANY_ROUTES = 2000, /* more than the first objects have room for */
    ORDER_MS = 20000,
};

static struct wire_host wire(int last)
{
    return wire_host(last, TURN_PORT);
}

static bool has_hosts(struct scene *scene, uint32_t count)
{
    return scene_info(scene, 1, 1).hosts == count;
}

static void change_table(struct scene *scene)
{
    const struct wire_host hosts[] = {wire(1), wire(BAD), wire(HELD), wire(5), wire(6)};
    directory_answer(&scene->directory, 1, 1, hosts, 5);
    eventually(has_hosts(scene, 5));
    directory_answer(&scene->directory, 1, 1, hosts, 3);
    eventually(has_hosts(scene, 3));
}

static void grow(struct scene *scene)
{
    uint64_t generation = fetcher_generation(&scene->fetcher);
    for (uint32_t i = 0; i < MANY_ROUTES; i++)
        scene_answer(scene, OTHERS_MODID, i, 1, TURN_PORT);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_routes) == MANY_ROUTES + 1);
    assert_true(fetcher_generation(&scene->fetcher) > generation);
}

static void start_again(struct scene *scene)
{
    fetcher_start(&scene->fetcher);
    directory_accept(&scene->directory);
}

static void restart(struct scene *scene)
{
    fetcher_stop(&scene->fetcher);
    start_again(scene);
}

static void kill_and_restart(struct scene *scene)
{
    process_kill(&scene->fetcher.process);
    start_again(scene);
}

static void (*const upheavals[])(struct scene *scene) = {change_table,     grow,    restart,
                                                         kill_and_restart, restart, change_table};
enum {
    UPHEAVALS = sizeof(upheavals) / sizeof(*upheavals)
};

/* ---- health ---- */

static void health_and_totals_outlive_tables_objects_and_fetchers(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_report(scene->client, BAD, 0, SUCCESSES);
    turn_report(scene->client, HELD, 0, SUCCESSES);
    eventually(turn_counted(scene, BAD, SUCCESSES));
    turn_eject(scene, BAD);
    uint64_t since = turn_standing(scene, BAD).since;
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](scene);
        const struct standing bad = turn_standing(scene, BAD), good = turn_standing(scene, HELD);
        assert_int_equal(bad.state, STANDING_OVERLOADED);
        assert_int_equal(bad.reason, REASON_ERR_STREAK);
        assert_int_equal(bad.since, since);
        assert_int_equal(bad.total_succ, SUCCESSES);
        assert_int_equal(bad.total_err, TURN_STREAK);
        assert_int_equal(good.total_succ, SUCCESSES);
        assert_int_equal(good.vsucc, 180 + SUCCESSES);
        turn_expect_probes_only(scene->client, BAD);
        assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_overloaded), 1);
    }
}

static void results_reported_while_no_fetcher_runs_are_counted_by_the_next(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    fetcher_stop(&scene->fetcher);
    turn_report(scene->client, BAD, 1, TURN_STREAK);
    start_again(scene);
    eventually(turn_overloaded(scene, BAD));
    process_kill(&scene->fetcher.process);
    turn_report(scene->client, BAD, 0, SUCCESSES);
    start_again(scene);
    eventually(turn_counted(scene, BAD, TURN_STREAK + SUCCESSES));
    assert_false(turn_overloaded(scene, BAD));
}

static void overloaded_host_comes_back_in_time_under_the_next_fetcher(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, "[loadbalance]\noverload_timeout = 1\n");
    turn_eject(scene, BAD);
    process_kill(&scene->fetcher.process);
    turn_expect_probes_only(scene->client, BAD);
    start_again(scene);
    eventually(!turn_overloaded(scene, BAD));
    turn_expect_all(scene->client);
}

static void totals_of_a_host_that_leaves_go_to_its_route_and_it_returns_unknown(void **state)
{
    struct scene *scene = *state;
    const struct wire_host without[] = {wire(1)};
    turn_start(scene, turn_without_time);
    turn_eject(scene, BAD);
    directory_answer(&scene->directory, 1, 1, without, 1);
    eventually(has_hosts(scene, 1));
    eventually(!turn_overloaded(scene, BAD));
    assert_int_equal(standings_sum(&scene->fetcher, route_key(1, 1)).err, TURN_STREAK);
    scene_answer(scene, 1, 1, TURN_HOSTS, TURN_PORT);
    eventually(has_hosts(scene, TURN_HOSTS));
    turn_expect_all(scene->client);
    turn_report(scene->client, BAD, 0, 1);
    eventually(turn_counted(scene, BAD, 1));
    assert_int_equal(standings_sum(&scene->fetcher, route_key(1, 1)).err, TURN_STREAK);
}

/* ---- orders ---- */

static enum order_result order(const struct scene *scene, int last, enum standing_hold hold)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    const struct order order = {
        .key = route_key(1, 1), .host = standings_host(last, TURN_PORT), .hold = hold};
    enum order_result result;
    assert_int_equal(order_give(scene->fetcher.instance, &self, &order, ORDER_MS, &result), SHM_OK);
    return result;
}

static void expect_never_picked(struct scene *scene, int last)
{
    assert_int_equal(turn_pick(scene->client, TURN_PICKS).of[last], 0);
}

static void drained_host_is_neither_picked_nor_probed_until_the_order_is_lifted(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    assert_int_equal(order(scene, HELD, HOLD_DRAINED), ORDER_DONE);
    expect_never_picked(scene, HELD);
    turn_eject(scene, BAD); /* now there are probes */
    turn_expect_probes_only(scene->client, BAD);
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](scene);
        expect_never_picked(scene, HELD);
        assert_int_equal(turn_standing(scene, HELD).hold, HOLD_DRAINED);
    }
    assert_int_equal(order(scene, HELD, HOLD_NONE), ORDER_DONE);
    assert_true(turn_includes(scene->client, HELD));
}

static void drained_host_that_leaves_and_returns_is_still_drained(void **state)
{
    struct scene *scene = *state;
    const struct wire_host without[] = {wire(1), wire(BAD)};
    turn_start(scene, turn_without_time);
    assert_int_equal(order(scene, HELD, HOLD_DRAINED), ORDER_DONE);
    directory_answer(&scene->directory, 1, 1, without, 2);
    eventually(has_hosts(scene, 2));
    kill_and_restart(scene);
    scene_answer(scene, 1, 1, TURN_HOSTS, TURN_PORT);
    eventually(has_hosts(scene, TURN_HOSTS));
    expect_never_picked(scene, HELD);
}

static struct calls sum(const struct scene *scene)
{
    return standings_sum(&scene->fetcher, route_key(1, 1));
}

static void late_results_of_a_drained_host_that_left_are_counted_once_over_a_kill(void **state)
{
    struct scene *scene = *state;
    const struct wire_host without[] = {wire(1), wire(BAD)};
    turn_start(scene, turn_without_time);
    turn_report(scene->client, HELD, 0, SUCCESSES);
    eventually(turn_counted(scene, HELD, SUCCESSES));
    assert_int_equal(order(scene, HELD, HOLD_DRAINED), ORDER_DONE);
    directory_answer(&scene->directory, 1, 1, without, 2);
    eventually(has_hosts(scene, 2));
    turn_report(scene->client, HELD, 0, 1);
    eventually(sum(scene).succ == SUCCESSES + 1);
    kill_and_restart(scene);
    eventually(sum(scene).succ == SUCCESSES + 1);
    turn_report(scene->client, HELD, 0, 1);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_reports_unknown) == 2);
    assert_int_equal(sum(scene).succ, SUCCESSES + 2);
}

static void pinned_host_is_picked_whatever_its_calls_tell(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    assert_int_equal(order(scene, HELD, HOLD_PINNED), ORDER_DONE);
    turn_eject(scene, HELD);
    turn_expect_all(scene->client);
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](scene);
        assert_true(turn_includes(scene->client, HELD));
        assert_int_equal(turn_standing(scene, HELD).hold, HOLD_PINNED);
    }
    assert_int_equal(order(scene, HELD, HOLD_NONE), ORDER_DONE);
    turn_expect_probes_only(scene->client, HELD);
}

static void route_of_which_all_hosts_are_drained_gives_none(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    for (int last = 1; last <= TURN_HOSTS; last++)
        assert_int_equal(order(scene, last, HOLD_DRAINED), ORDER_DONE);
    assert_int_equal(turn_pick(scene->client, TURN_PICKS).of[0], TURN_PICKS);
}

static void orders_for_what_is_not_there_change_nothing(void **state)
{
    struct scene *scene = *state;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    const struct order elsewhere = {
        .key = route_key(9, 9), .host = standings_host(1, TURN_PORT), .hold = HOLD_DRAINED};
    enum order_result result;
    turn_start(scene, turn_without_time);
    assert_int_equal(order(scene, 77, HOLD_DRAINED), ORDER_NO_HOST);
    assert_int_equal(order_give(scene->fetcher.instance, &self, &elsewhere, ORDER_MS, &result), SHM_OK);
    assert_int_equal(result, ORDER_NO_ROUTE);
    assert_int_equal(standings_count(&scene->fetcher, route_key(1, 1)), 0);
    turn_expect_all(scene->client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(health_and_totals_outlive_tables_objects_and_fetchers),
        scene_test(results_reported_while_no_fetcher_runs_are_counted_by_the_next),
        scene_test(overloaded_host_comes_back_in_time_under_the_next_fetcher),
        scene_test(totals_of_a_host_that_leaves_go_to_its_route_and_it_returns_unknown),
        scene_test(drained_host_is_neither_picked_nor_probed_until_the_order_is_lifted),
        scene_test(drained_host_that_leaves_and_returns_is_still_drained),
        scene_test(late_results_of_a_drained_host_that_left_are_counted_once_over_a_kill),
        scene_test(pinned_host_is_picked_whatever_its_calls_tell),
        scene_test(route_of_which_all_hosts_are_drained_gives_none),
        scene_test(orders_for_what_is_not_there_change_nothing),
    };
    return cmocka_run_group_tests_name("integration/kept", tests, NULL, NULL);
}
