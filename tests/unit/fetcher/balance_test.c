/* SPDX-License-Identifier: MIT */
/* Hosts and their records while tables, routes and fetchers come and go. Clients here are calls of call_stats_record(). */
#include <stdlib.h>
#include <unistd.h>

#include "fetcher/balance.h"
#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"

enum {
    KEY = 7,
    OTHER_KEY = 8,
    HOSTS = 4,
    BAD = 2,     /* the host that a test is about, by its place in the table */
    STREAK = 15, /* failures that take a host out */
    TTL_S = 15,
};

struct scene {
    struct instance *instance;
    struct config config;
    struct balance *balance;
    struct host hosts[HOSTS];
};

static void start_balance(struct scene *scene)
{
    struct instance *instance = scene->instance;
    scene->balance = balance_new(instance->writer, instance->name, &scene->config, instance->note);
    if (!scene->balance)
        fail_msg("balance_new: %s", instance->note);
}

static void restart(struct scene *scene)
{
    balance_delete(scene->balance);
    instance_stop(scene->instance);
    instance_start(scene->instance);
    start_balance(scene);
}

static void put(struct scene *scene, uint64_t key, uint32_t count, uint32_t ttl_s, const uint64_t *verdict)
{
    struct instance *instance = scene->instance;
    assert_int_equal(
        writer_put(instance->writer, key, scene->hosts, count, verdict, ttl_s, clock_tick(), instance->note),
        SHM_OK);
    balance_table_changed(scene->balance, key);
}

static int setup(void **state)
{
    void *instance = NULL;
    char error[CONFIG_ERROR_SIZE];
    struct scene *scene = calloc(1, sizeof(*scene));
    if (!scene || instance_setup(&instance) != 0 ||
        config_load(NULL, &scene->config, error, sizeof(error)) != 0)
        return -1;
    scene->instance = instance;
    start_balance(scene);
    equation_hosts(KEY, 1, HOSTS, scene->hosts);
    put(scene, KEY, HOSTS, TTL_S, NULL);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    balance_delete(scene->balance);
    instance_teardown((void *[]){scene->instance});
    free(scene);
    return 0;
}

static uint64_t word(const struct scene *scene, int host)
{
    return host_word(scene->hosts[host].address, scene->hosts[host].port);
}

/* What a client does. */
static void report(const struct scene *scene, uint64_t key, bool success, unsigned times)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region region, routes_region;
    struct control control;
    struct routes routes;
    assert_int_equal(instance_map(scene->instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(scene->instance->names.control, true, &self, 0, &region), SHM_OK);
    assert_int_equal(control_attach(&region, control_shape(&routes), routes.generation, &control), SHM_OK);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(call_stats_record(&control, key, word(scene, BAD), success, 1), SHM_OK);
    region_close(&region);
    region_close(&routes_region);
}

static void report_and_poll(struct scene *scene, bool success, unsigned times)
{
    report(scene, KEY, success, times);
    balance_poll(scene->balance, clock_tick());
}

/* Of the hosts object, as anyone sees it: a record, or `host` 0: the route's own. False, and all zero: none. */
static bool find_record(const struct scene *scene, uint64_t key, uint64_t host, struct standing *out)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct hosts hosts;
    bool found = false;
    assert_int_equal(region_open(scene->instance->names.hosts, false, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(hosts_attach(&region, &hosts), SHM_OK);
    *out = (struct standing){0};
    for (uint32_t number = 0; number < hosts_used(&hosts) && !found; number++) {
        uint64_t its_key, its_host;
        struct host_entry entry;
        found = hosts_read(&hosts, number, &its_key, &its_host, &entry) && its_key == key && its_host == host;
        if (found)
            *out = entry.standing;
    }
    region_close(&region);
    return found;
}

static struct standing standing(const struct scene *scene)
{
    struct standing found;
    find_record(scene, KEY, word(scene, BAD), &found);
    return found;
}

/* ---- streaks ---- */

static void leave_and_return(struct scene *scene, unsigned failures_while_away)
{
    put(scene, KEY, BAD, TTL_S, NULL);
    report_and_poll(scene, false, failures_while_away);
    put(scene, KEY, HOSTS, TTL_S, NULL);
}

static void expect_streak_of_its_own(struct scene *scene)
{
    report_and_poll(scene, false, 1);
    assert_int_equal(standing(scene).contin_err, 1);
    report_and_poll(scene, false, STREAK - 2);
    assert_int_equal(standing(scene).state, STANDING_IDLE);
    report_and_poll(scene, false, 1);
    assert_int_equal(standing(scene).state, STANDING_OVERLOADED);
    assert_int_equal(standing(scene).reason, REASON_ERR_STREAK);
}

static void host_that_comes_back_has_no_streak_from_before(void **state)
{
    struct scene *scene = *state;
    report_and_poll(scene, false, STREAK - 1);
    leave_and_return(scene, 0);
    expect_streak_of_its_own(scene);
}

static void failures_of_a_host_that_is_away_are_no_streak_when_it_comes_back(void **state)
{
    struct scene *scene = *state;
    leave_and_return(scene, STREAK - 1);
    expect_streak_of_its_own(scene);
}

/* The cell is one of a generation that drains: its streaks do not begin anew. */
static void streak_in_an_older_control_object_ends_with_the_host_too(void **state)
{
    struct scene *scene = *state;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region region, routes_region;
    struct control control;
    struct routes routes;
    assert_int_equal(instance_map(scene->instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(scene->instance->names.control, true, &self, 0, &region), SHM_OK);
    assert_int_equal(control_attach(&region, control_shape(&routes), routes.generation, &control), SHM_OK);
    report_and_poll(scene, false, STREAK - 1);
    instance_renew(scene->instance);
    leave_and_return(scene, 0);
    assert_int_equal(call_stats_record(&control, KEY, word(scene, BAD), false, 1), SHM_OK);
    balance_poll(scene->balance, clock_tick());
    assert_int_equal(standing(scene).total_err, 1);
    assert_int_equal(standing(scene).state, STANDING_IDLE);
    region_close(&region);
    region_close(&routes_region);
}

/* ---- windows ---- */

static void bad_windows_with_a_long_silence_between_them_are_not_in_a_row(void **state)
{
    struct scene *scene = *state;
    const uint64_t window = UINT64_C(1000) * scene->config.loadbalance.idle_timeout;
    uint64_t now = clock_tick();
    scene->config.loadbalance.window_min_calls = 10;
    for (int i = 0; i < 3; i++) {
        report(scene, KEY, false, 3);
        balance_poll(scene->balance, now);
        balance_poll(scene->balance, now += window);
        assert_true(standing(scene).bad_window);
        assert_int_equal(standing(scene).state, STANDING_IDLE);
        now += 2 * window + 1;
    }
    now -= 1;
    report(scene, KEY, false, 3);
    balance_poll(scene->balance, now);
    balance_poll(scene->balance, now + window);
    assert_int_equal(standing(scene).reason, REASON_FEW_CALLS);
}

/* ---- verdicts, records, news ---- */

static void verdict_of_results_that_came_while_a_table_was_published_is_shown(void **state)
{
    struct scene *scene = *state;
    const uint64_t verdict_before[1] = {0};
    report_and_poll(scene, false, STREAK);
    assert_true(writer_any_out(scene->instance->writer, KEY));
    put(scene, KEY, HOSTS - 1, TTL_S, verdict_before);
    assert_true(writer_any_out(scene->instance->writer, KEY));
}

static void record_of_a_route_that_is_gone_does_not_stay(void **state)
{
    struct scene *scene = *state;
    struct standing found;
    put(scene, OTHER_KEY, HOSTS, TTL_S, NULL);
    report(scene, OTHER_KEY, false, 1);
    report_and_poll(scene, false, 1);
    put(scene, OTHER_KEY, 0, 0, NULL);
    balance_tend(scene->balance);
    assert_true(find_record(scene, OTHER_KEY, 0, &found));
    pause_ms(5); /* an unknown key that has expired is not taken over by the next generation */
    instance_renew(scene->instance);
    assert_int_equal(writer_state(scene->instance->writer, OTHER_KEY), ROUTE_UNKNOWN);
    balance_tend(scene->balance);
    assert_false(find_record(scene, OTHER_KEY, 0, &found));
    assert_true(find_record(scene, KEY, 0, &found));
    assert_int_equal(standing(scene).total_err, 1);
}

static void results_that_a_fetcher_finds_are_kept_however_early_it_ends(void **state)
{
    struct scene *scene = *state;
    report(scene, KEY, true, 10);
    for (int i = 0; i < 3; i++)
        restart(scene);
    assert_int_equal(standing(scene).total_succ, 10);
}

static void all_routes_with_records_can_be_told_again(void **state)
{
    static struct host_result results[HOSTS_MAX];
    struct scene *scene = *state;
    uint64_t key;
    uint32_t count;
    report_and_poll(scene, true, 10);
    put(scene, OTHER_KEY, HOSTS, TTL_S, NULL);
    for (int i = 0; i < 2; i++) {
        assert_true(balance_next_results(scene->balance, &key, results, &count));
        assert_int_equal(key, KEY);
        assert_int_equal(count, HOSTS);
        assert_int_equal(results[BAD].succ, 10);
        assert_false(balance_next_results(scene->balance, &key, results, &count));
        balance_tell_again(scene->balance);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(host_that_comes_back_has_no_streak_from_before),
        TEST(failures_of_a_host_that_is_away_are_no_streak_when_it_comes_back),
        TEST(streak_in_an_older_control_object_ends_with_the_host_too),
        TEST(bad_windows_with_a_long_silence_between_them_are_not_in_a_row),
        TEST(verdict_of_results_that_came_while_a_table_was_published_is_shown),
        TEST(record_of_a_route_that_is_gone_does_not_stay),
        TEST(results_that_a_fetcher_finds_are_kept_however_early_it_ends),
        TEST(all_routes_with_records_can_be_told_again),
    };
    return cmocka_run_group_tests_name("fetcher/balance", tests, NULL, NULL);
}
