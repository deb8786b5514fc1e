/* SPDX-License-Identifier: MIT */
/* What is known of a host, and what an operator has said of it, outlives tables, objects and fetchers. */
#include "tests/support/admin.h"
#include "tests/support/rotation.h"

enum {
    BAD = 2,
    OVERRIDDEN = 3, /* the host that an operator drains or pins */
    SUCCESSES = 40,
    OTHERS_MODID = 3,
    MANY_ROUTES = 2000, /* more than the first objects have room for */
};

static struct wire_host wire(int last)
{
    return wire_host(last, ROTATION_PORT);
}

static bool has_hosts(struct fixture *fixture, uint32_t count)
{
    return fixture_info(fixture, 1, 1).hosts == count;
}

/* By a directory that tells its version: what others take away soon after a start is held back at first. */
static void change_table(struct fixture *fixture)
{
    const struct wire_host hosts[] = {wire(1), wire(BAD), wire(OVERRIDDEN), wire(5), wire(6)};
    directory_answer_at(&fixture->directory, 1, 1, 1, hosts, 5);
    eventually(has_hosts(fixture, 5));
    directory_answer_at(&fixture->directory, 1, 1, 1, hosts, 3);
    eventually(has_hosts(fixture, 3));
}

static void grow(struct fixture *fixture)
{
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    for (uint32_t i = 0; i < MANY_ROUTES; i++)
        fixture_answer(fixture, OTHERS_MODID, i, 1, ROTATION_PORT);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == MANY_ROUTES + 1);
    assert_true(fetcher_generation(&fixture->fetcher) > generation);
}

static void start_again(struct fixture *fixture)
{
    fetcher_start(&fixture->fetcher);
    directory_accept(&fixture->directory);
}

static void restart(struct fixture *fixture)
{
    fetcher_stop(&fixture->fetcher);
    start_again(fixture);
}

static void kill_and_restart(struct fixture *fixture)
{
    process_kill(&fixture->fetcher.process);
    start_again(fixture);
}

static void (*const upheavals[])(struct fixture *fixture) = {change_table,     grow,    restart,
                                                             kill_and_restart, restart, change_table};
enum {
    UPHEAVALS = sizeof(upheavals) / sizeof(*upheavals)
};

/* ---- health ---- */

static void health_and_totals_outlive_tables_objects_and_fetchers(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_report(fixture->client, BAD, 0, SUCCESSES);
    rotation_report(fixture->client, OVERRIDDEN, 0, SUCCESSES);
    eventually(rotation_counted(fixture, BAD, SUCCESSES));
    rotation_eject(fixture, BAD);
    uint64_t since = rotation_health(fixture, BAD).since;
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](fixture);
        const struct host_health bad = rotation_health(fixture, BAD),
                                 good = rotation_health(fixture, OVERRIDDEN);
        assert_int_equal(bad.state, HOST_EJECTED);
        assert_int_equal(bad.reason, REASON_ERR_STREAK);
        assert_int_equal(bad.since, since);
        assert_int_equal(bad.total_succ, SUCCESSES);
        assert_int_equal(bad.total_err, ROTATION_STREAK);
        assert_int_equal(good.total_succ, SUCCESSES);
        assert_int_equal(good.vsucc, 180 + SUCCESSES);
        rotation_expect_probes_only(fixture->client, BAD);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_overloaded), 1);
    }
}

static void results_reported_while_no_fetcher_runs_are_counted_by_the_next(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    fetcher_stop(&fixture->fetcher);
    rotation_report(fixture->client, BAD, 1, ROTATION_STREAK);
    start_again(fixture);
    eventually(rotation_overloaded(fixture, BAD));
    process_kill(&fixture->fetcher.process);
    rotation_report(fixture->client, BAD, 0, SUCCESSES);
    start_again(fixture);
    eventually(rotation_counted(fixture, BAD, ROTATION_STREAK + SUCCESSES));
    assert_false(rotation_overloaded(fixture, BAD));
}

static void overloaded_host_comes_back_in_time_under_the_next_fetcher(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 1\nslow_start = 0\n");
    rotation_eject(fixture, BAD);
    process_kill(&fixture->fetcher.process);
    rotation_expect_probes_only(fixture->client, BAD);
    start_again(fixture);
    eventually(!rotation_overloaded(fixture, BAD));
    rotation_expect_all(fixture->client);
}

static void totals_of_a_host_that_leaves_go_to_its_route_and_without_memory_it_returns_unknown(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host without[] = {wire(1)};
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nmemory = 0\n");
    rotation_eject(fixture, BAD);
    directory_answer(&fixture->directory, 1, 1, without, 1);
    eventually(has_hosts(fixture, 1));
    eventually(!rotation_overloaded(fixture, BAD));
    assert_int_equal(host_health_sum(&fixture->fetcher, route_key(1, 1)).err, ROTATION_STREAK);
    fixture_answer(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT);
    eventually(has_hosts(fixture, ROTATION_HOSTS));
    rotation_expect_all(fixture->client);
    rotation_report(fixture->client, BAD, 0, 1);
    eventually(rotation_counted(fixture, BAD, 1));
    assert_int_equal(host_health_sum(&fixture->fetcher, route_key(1, 1)).err, ROTATION_STREAK);
}

/* ---- overrides ---- */

static void command(const struct fixture *fixture, const char *name, int last)
{
    assert_string_equal(
        admin_command(&fixture->fetcher,
                      "{\"version\":1,\"command\":\"%s\",\"modid\":1,\"cmdid\":1,\"host\":\"10.0.0.%d:%d\"}",
                      name, last, ROTATION_PORT),
        "ok");
}

static void expect_never_picked(struct fixture *fixture, int last)
{
    assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[last], 0);
}

static void drained_host_is_neither_picked_nor_probed_until_that_is_cleared(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    command(fixture, "drain", OVERRIDDEN);
    expect_never_picked(fixture, OVERRIDDEN);
    rotation_eject(fixture, BAD); /* now there are probes */
    rotation_expect_probes_only(fixture->client, BAD);
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](fixture);
        expect_never_picked(fixture, OVERRIDDEN);
        assert_int_equal(rotation_health(fixture, OVERRIDDEN).override, OVERRIDE_DRAINED);
    }
    command(fixture, "clear", OVERRIDDEN);
    assert_true(rotation_includes(fixture->client, OVERRIDDEN));
}

static void drained_host_that_leaves_and_returns_is_still_drained(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host without[] = {wire(1), wire(BAD)};
    rotation_start(fixture, rotation_without_time);
    command(fixture, "drain", OVERRIDDEN);
    directory_answer(&fixture->directory, 1, 1, without, 2);
    eventually(has_hosts(fixture, 2));
    kill_and_restart(fixture);
    fixture_answer(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT);
    eventually(has_hosts(fixture, ROTATION_HOSTS));
    expect_never_picked(fixture, OVERRIDDEN);
}

static struct calls sum(const struct fixture *fixture)
{
    return host_health_sum(&fixture->fetcher, route_key(1, 1));
}

static void late_results_of_a_drained_host_that_left_are_counted_once_over_a_kill(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host without[] = {wire(1), wire(BAD)};
    rotation_start(fixture, rotation_without_time);
    rotation_report(fixture->client, OVERRIDDEN, 0, SUCCESSES);
    eventually(rotation_counted(fixture, OVERRIDDEN, SUCCESSES));
    command(fixture, "drain", OVERRIDDEN);
    directory_answer(&fixture->directory, 1, 1, without, 2);
    eventually(has_hosts(fixture, 2));
    rotation_report(fixture->client, OVERRIDDEN, 0, 1);
    eventually(sum(fixture).succ == SUCCESSES + 1);
    kill_and_restart(fixture);
    eventually(sum(fixture).succ == SUCCESSES + 1);
    rotation_report(fixture->client, OVERRIDDEN, 0, 1);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_reports_unknown) == 2);
    assert_int_equal(sum(fixture).succ, SUCCESSES + 2);
}

static void pinned_host_is_picked_whatever_its_results(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    command(fixture, "pin", OVERRIDDEN);
    rotation_eject(fixture, OVERRIDDEN);
    rotation_expect_all(fixture->client);
    for (int i = 0; i < UPHEAVALS; i++) {
        upheavals[i](fixture);
        assert_true(rotation_includes(fixture->client, OVERRIDDEN));
        assert_int_equal(rotation_health(fixture, OVERRIDDEN).override, OVERRIDE_PINNED);
    }
    command(fixture, "clear", OVERRIDDEN);
    rotation_expect_probes_only(fixture->client, OVERRIDDEN);
}

static void route_of_which_all_hosts_are_drained_gives_none(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        command(fixture, "drain", last);
    assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[0], ROTATION_PICKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(health_and_totals_outlive_tables_objects_and_fetchers),
        fixture_test(results_reported_while_no_fetcher_runs_are_counted_by_the_next),
        fixture_test(overloaded_host_comes_back_in_time_under_the_next_fetcher),
        fixture_test(totals_of_a_host_that_leaves_go_to_its_route_and_without_memory_it_returns_unknown),
        fixture_test(drained_host_is_neither_picked_nor_probed_until_that_is_cleared),
        fixture_test(drained_host_that_leaves_and_returns_is_still_drained),
        fixture_test(late_results_of_a_drained_host_that_left_are_counted_once_over_a_kill),
        fixture_test(pinned_host_is_picked_whatever_its_results),
        fixture_test(route_of_which_all_hosts_are_drained_gives_none),
    };
    return cmocka_run_group_tests_name("integration/kept", tests, NULL, NULL);
}
