/* SPDX-License-Identifier: MIT */
/* Hosts and their records while tables, routes and fetchers come and go. Clients here are calls of call_stats_record(). */
#include <stdlib.h>
#include <unistd.h>

#include "fetcher/balance.h"
#include "fetcher/event_log.h"
#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "tests/support/by_key.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEY = 7,
    OTHER_KEY = 8,
    HOSTS = 4,
    BAD = 2,     /* the host that a test is about, by its place in the table */
    STREAK = 10, /* failures that take a host out */
    TTL_S = 15,
};

struct fixture {
    struct instance *instance;
    struct config config;
    struct balance *balance;
    struct host_addr hosts[HOSTS];
};

static void start_balance(struct fixture *fixture)
{
    struct instance *instance = fixture->instance;
    fixture->balance = balance_new(instance->writer, instance->name, &fixture->config, &instance->event);
    if (!fixture->balance) {
        char text[EVENT_TEXT_MAX];
        event_text(&instance->event, text);
        fail_msg("balance_new: %s", text);
    }
}

static void restart(struct fixture *fixture)
{
    balance_delete(fixture->balance);
    instance_stop(fixture->instance);
    instance_start(fixture->instance);
    start_balance(fixture);
}

static void put(struct fixture *fixture, uint64_t key, uint32_t count, uint32_t ttl_s, const uint64_t *states)
{
    struct instance *instance = fixture->instance;
    assert_int_equal(
        put_by_key(instance->writer, numbered_key(key), fixture->hosts, count, states, ttl_s, clock_tick()),
        SHM_OK);
    const struct route_ref route = writer_find(instance->writer, numbered_key(key));
    balance_table_changed(fixture->balance, &route);
}

static int setup(void **state)
{
    void *instance = NULL;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || instance_setup(&instance) != 0 || config_load(NULL, &fixture->config, NULL, NULL) != 0)
        return -1;
    fixture->instance = instance;
    start_balance(fixture);
    self_checking_hosts(KEY, 1, HOSTS, fixture->hosts);
    put(fixture, KEY, HOSTS, TTL_S, NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    balance_delete(fixture->balance);
    instance_teardown((void *[]){fixture->instance});
    free(fixture);
    return 0;
}

/* What a client does. */
static void report_host(const struct fixture *fixture, uint64_t key, int at, bool success, unsigned times)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region region, routes_region;
    struct control control;
    struct routes routes;
    assert_int_equal(instance_map(fixture->instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(fixture->instance->names.control, true, &self, 0, &region), SHM_OK);
    assert_int_equal(
        control_attach(&region, control_shape(&routes), control_number(routes.s_header), &control), SHM_OK);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(call_stats_record(&control, numbered_key(key), fixture->hosts[at], success, 1, 0),
                         SHM_OK);
    region_close(&region);
    region_close(&routes_region);
}

static void report(const struct fixture *fixture, uint64_t key, bool success, unsigned times)
{
    report_host(fixture, key, BAD, success, times);
}

static void report_and_poll(struct fixture *fixture, bool success, unsigned times)
{
    report(fixture, KEY, success, times);
    balance_poll(fixture->balance, clock_tick());
}

/* Of the hosts object, as anyone sees it: a host's record, or the route's own. False, and all zero: none. */
static bool find_record(const struct fixture *fixture, uint64_t key, struct host_addr host,
                        struct host_health *out)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct host_records hosts;
    bool found = false;
    assert_int_equal(region_open(fixture->instance->names.hosts, false, &self, HEADER_BYTES, &region),
                     SHM_OK);
    assert_int_equal(host_records_attach(&region, &hosts), SHM_OK);
    *out = (struct host_health){0};
    for (uint32_t number = 0; number < host_records_used(&hosts) && !found; number++) {
        struct route_key its_key;
        struct host_addr its_host;
        struct host_entry entry;
        found = host_records_read(&hosts, number, &its_key, &its_host, &entry) &&
                route_key_number(its_key) == key && host_addr_equal(its_host, host);
        if (found)
            *out = entry.health;
    }
    region_close(&region);
    return found;
}

static struct host_health health_of(const struct fixture *fixture, int at)
{
    struct host_health found;
    find_record(fixture, KEY, fixture->hosts[at], &found);
    return found;
}

static struct host_health health(const struct fixture *fixture)
{
    return health_of(fixture, BAD);
}

/* As readers see it: bit i is host i of the route. */
static uint32_t ejected_hosts(const struct fixture *fixture)
{
    const struct route_ref route = writer_find(fixture->instance->writer, numbered_key(KEY));
    assert_true(route_ref_is_here(&route));
    uint32_t ejected = 0;
    for (uint32_t at = 0; at < HOSTS; at++)
        ejected |= (uint32_t)(share_in(load_relaxed(&route.table.s_states[0]), at) >= SHARE_EJECTED) << at;
    return ejected;
}

/* Failures in a row that eject the host, `successes` before them. */
static void fail_streak(struct fixture *fixture, int at, unsigned successes)
{
    report_host(fixture, KEY, at, true, successes);
    report_host(fixture, KEY, at, false, STREAK);
}

/* ---- streaks ---- */

static void leave_and_return(struct fixture *fixture, unsigned failures_while_away)
{
    put(fixture, KEY, BAD, TTL_S, NULL);
    report_and_poll(fixture, false, failures_while_away);
    put(fixture, KEY, HOSTS, TTL_S, NULL);
}

static void expect_streak_of_its_own(struct fixture *fixture)
{
    report_and_poll(fixture, false, 1);
    assert_int_equal(health(fixture).contin_err, 1);
    report_and_poll(fixture, false, STREAK - 2);
    assert_int_equal(health(fixture).state, HOST_IN_ROTATION);
    report_and_poll(fixture, false, 1);
    assert_int_equal(health(fixture).state, HOST_EJECTED);
    assert_int_equal(health(fixture).reason, REASON_ERR_STREAK);
}

static void host_that_comes_back_has_no_streak_from_before(void **state)
{
    struct fixture *fixture = *state;
    report_and_poll(fixture, false, STREAK - 1);
    leave_and_return(fixture, 0);
    expect_streak_of_its_own(fixture);
}

static void failures_of_a_host_that_is_away_are_no_streak_when_it_comes_back(void **state)
{
    struct fixture *fixture = *state;
    leave_and_return(fixture, STREAK - 1);
    expect_streak_of_its_own(fixture);
}

/* The cell is one of a generation that is retired: its streaks are not reset. */
static void streak_in_an_older_control_object_ends_with_the_host_too(void **state)
{
    struct fixture *fixture = *state;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region region, routes_region;
    struct control control;
    struct routes routes;
    assert_int_equal(instance_map(fixture->instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(fixture->instance->names.control, true, &self, 0, &region), SHM_OK);
    assert_int_equal(
        control_attach(&region, control_shape(&routes), control_number(routes.s_header), &control), SHM_OK);
    report_and_poll(fixture, false, STREAK - 1);
    instance_renew(fixture->instance);
    leave_and_return(fixture, 0);
    assert_int_equal(call_stats_record(&control, numbered_key(KEY), fixture->hosts[BAD], false, 1, 0),
                     SHM_OK);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(health(fixture).total_err, 1);
    assert_int_equal(health(fixture).state, HOST_IN_ROTATION);
    region_close(&region);
    region_close(&routes_region);
}

/* ---- how many may be out ---- */

static void no_more_than_max_ejected_go_out_and_the_others_are_spared(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 3; round++) {
        for (int at = 0; at < HOSTS; at++)
            fail_streak(fixture, at, 0);
        balance_poll(fixture->balance, clock_tick());
        assert_int_equal(__builtin_popcount(ejected_hosts(fixture)), HOSTS / 2);
        for (int at = 0; at < HOSTS; at++) {
            struct host_health its = health_of(fixture, at);
            assert_int_equal(its.state == HOST_EJECTED, ejected_hosts(fixture) >> at & 1);
            assert_int_equal(host_health_is_spared(&its), its.state != HOST_EJECTED);
            assert_int_equal(its.reason, REASON_ERR_STREAK);
            assert_int_equal(its.contin_err * (its.state != HOST_EJECTED), 0);
        }
    }
}

static void limit_of_hosts_that_are_out_is_rounded_down(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.max_ejected = 74;
    for (int at = 0; at < HOSTS; at++)
        fail_streak(fixture, at, 0);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(__builtin_popcount(ejected_hosts(fixture)), 2);
    fixture->config.loadbalance.max_ejected = 24;
    balance_apply_config(fixture->balance);
    assert_int_equal(ejected_hosts(fixture), 0);
}

static void worst_hosts_go_out_in_whatever_order_they_fail(void **state)
{
    struct fixture *fixture = *state;
    for (int at = HOSTS - 1; at >= 0; at--)
        fail_streak(fixture, at, 5 * (unsigned)at);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0x3);
    balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[0], OVERRIDE_PINNED);
    for (int at = HOSTS - 1; at > 1; at--) {
        fail_streak(fixture, at, 5 * (unsigned)at);
        balance_poll(fixture->balance, clock_tick());
    }
    assert_int_equal(ejected_hosts(fixture), 0x6);
}

static void host_that_fails_no_worse_does_not_replace_one_that_is_out(void **state)
{
    struct fixture *fixture = *state;
    for (int at = HOSTS - 1; at >= 0; at--) {
        fail_streak(fixture, at, 0);
        balance_poll(fixture->balance, clock_tick());
    }
    assert_int_equal(ejected_hosts(fixture), 0xc);
}

static void only_host_of_a_route_is_never_ejected(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.max_ejected = 100;
    put(fixture, KEY, 1, TTL_S, NULL);
    fail_streak(fixture, 0, 0);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0);
    const struct host_health spared = health_of(fixture, 0);
    assert_true(host_health_is_spared(&spared));
}

static void drained_hosts_are_neither_counted_nor_in_rotation(void **state)
{
    struct fixture *fixture = *state;
    fail_streak(fixture, 0, 5);
    fail_streak(fixture, 1, 0);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0x3);
    for (int at = 2; at < HOSTS; at++)
        balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[at], OVERRIDE_DRAINED);
    assert_int_equal(ejected_hosts(fixture), 0xe);
    assert_int_equal(health_of(fixture, 0).reason, REASON_ERR_STREAK);
    balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[1], OVERRIDE_DRAINED);
    assert_int_equal(ejected_hosts(fixture), 0xe);
}

static void table_that_loses_hosts_never_has_too_many_out(void **state)
{
    struct fixture *fixture = *state;
    fail_streak(fixture, 0, 0);
    fail_streak(fixture, 1, 5);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0x3);
    const uint64_t *states = balance_states(fixture->balance, numbered_key(KEY), fixture->hosts, 2);
    assert_non_null(states);
    assert_int_equal(states[0], share_bits(0, SHARE_EJECTED));
    put(fixture, KEY, 2, TTL_S, states);
    assert_int_equal(ejected_hosts(fixture), 0x1);
}

static void results_that_came_while_a_table_was_published_take_no_more_hosts_out(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t states_before[1] = {0};
    fail_streak(fixture, 0, 0);
    fail_streak(fixture, 1, 5);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0x3);
    put(fixture, KEY, 2, TTL_S, states_before);
    assert_int_equal(ejected_hosts(fixture), 0x1);
}

static void next_fetcher_spares_what_the_last_one_had_no_time_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.max_ejected = 100;
    for (int at = 0; at < HOSTS; at++)
        fail_streak(fixture, at, 0);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0xf);
    fixture->config.loadbalance.max_ejected = 50;
    restart(fixture);
    assert_int_equal(__builtin_popcount(ejected_hosts(fixture)), HOSTS / 2);
}

static void rules_of_lars_let_all_hosts_go_out(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.rules = RULES_LARS;
    for (int at = 0; at < HOSTS; at++)
        fail_streak(fixture, at, 0);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(ejected_hosts(fixture), 0xf);
}

static bool shown_as_spared(const struct fixture *fixture)
{
    const struct route_ref route = writer_find(fixture->instance->writer, numbered_key(KEY));
    return route_ref_is_spared(&route);
}

static void route_with_a_spared_host_is_shown_as_such_until_it_is_good_or_gone(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t now = clock_tick();
    fixture->config.loadbalance.max_ejected = 0;
    fixture->config.loadbalance.idle_timeout = 3600;
    for (int gone = 0; gone < 2; gone++) {
        fail_streak(fixture, BAD, 0);
        balance_poll(fixture->balance, now);
        assert_true(shown_as_spared(fixture));
        restart(fixture);
        assert_true(shown_as_spared(fixture));
        if (gone) {
            put(fixture, KEY, BAD, TTL_S, NULL);
        } else {
            report(fixture, KEY, true, 5);
            balance_poll(fixture->balance, now + 1);
            balance_poll(fixture->balance, now + 3700000);
        }
        assert_false(shown_as_spared(fixture));
    }
}

/* ---- slow_start ---- */

static uint32_t share(const struct fixture *fixture)
{
    const struct route_ref route = writer_find(fixture->instance->writer, numbered_key(KEY));
    return share_in(load_relaxed(&route.table.s_states[0]), BAD);
}

static void share_of_a_host_that_is_back_grows_in_time_however_it_is_counted(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.slow_start = 7;
    report_and_poll(fixture, false, STREAK);
    assert_int_equal(share(fixture), SHARE_EJECTED);
    const uint64_t back = health(fixture).since + 15000;
    balance_poll(fixture->balance, back);
    assert_int_equal(share(fixture), 1);
    balance_poll(fixture->balance, back + 2999);
    assert_int_equal(share(fixture), 3);
    put(fixture, KEY, HOSTS - 1, TTL_S, /* the states of a changed table */
        balance_states(fixture->balance, numbered_key(KEY), fixture->hosts, HOSTS - 1));
    assert_int_equal(share(fixture), 3);
    balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[BAD], OVERRIDE_PINNED);
    assert_int_equal(share(fixture), SHARE_FULL);
    balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[BAD], OVERRIDE_NONE);
    assert_int_equal(share(fixture), 3);
    fixture->config.loadbalance.slow_start = 14; /* a reload */
    balance_apply_config(fixture->balance);
    assert_int_equal(share(fixture), 2);
    balance_poll(fixture->balance, back + 13999);
    assert_int_equal(share(fixture), 7);
    balance_poll(fixture->balance, back + 14000);
    assert_int_equal(share(fixture), SHARE_FULL);
}

/* As the one before left it: of another fetcher the clock may be no further on. */
static void next_fetcher_goes_on_with_a_share(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.slow_start = 3600;
    report_and_poll(fixture, false, STREAK);
    report_and_poll(fixture, true, 2);
    assert_int_equal(share(fixture), 1);
    restart(fixture);
    assert_int_equal(share(fixture), 1);
    fixture->config.loadbalance.slow_start = 0;
    restart(fixture);
    assert_int_equal(share(fixture), SHARE_FULL);
}

/* ---- hosts that leave and come back ---- */

static void host_that_is_given_back_within_memory_is_still_ejected(void **state)
{
    struct fixture *fixture = *state;
    report_and_poll(fixture, false, STREAK);
    uint64_t since = health(fixture).since;
    assert_int_equal(ejected_hosts(fixture), 1 << BAD);
    for (int again = 0; again < 2; again++) {
        put(fixture, KEY, BAD, TTL_S, NULL);
        assert_int_equal(ejected_hosts(fixture), 0);
        if (again)
            restart(fixture);
        put(fixture, KEY, HOSTS, TTL_S,
            balance_states(fixture->balance, numbered_key(KEY), fixture->hosts, HOSTS));
        assert_int_equal(ejected_hosts(fixture), 1 << BAD);
        assert_int_equal(health(fixture).since, since);
        assert_int_equal(health(fixture).level, 1);
        assert_int_equal(health(fixture).reason, REASON_ERR_STREAK);
    }
    balance_poll(fixture->balance, since + 15000);
    assert_int_equal(ejected_hosts(fixture), 0);
}

static void ejection_ends_while_the_host_is_away(void **state)
{
    struct fixture *fixture = *state;
    report_and_poll(fixture, false, STREAK);
    put(fixture, KEY, BAD, TTL_S, NULL);
    balance_poll(fixture->balance, clock_tick() + 20000);
    put(fixture, KEY, HOSTS, TTL_S, NULL);
    assert_int_equal(ejected_hosts(fixture), 0);
    assert_int_equal(health(fixture).reason, REASON_TIMEOUT);
    assert_int_equal(health(fixture).level, 1);
}

static void host_is_forgotten_when_memory_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct host_health found;
    fixture->config.loadbalance.overload_timeout = 3600;
    report_and_poll(fixture, false, STREAK);
    put(fixture, KEY, BAD, TTL_S, NULL);
    assert_true(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    balance_poll(fixture->balance, clock_tick() + 598000);
    assert_true(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    balance_poll(fixture->balance, clock_tick() + 602000);
    assert_false(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    put(fixture, KEY, HOSTS, TTL_S, NULL);
    assert_int_equal(ejected_hosts(fixture), 0);
}

static void host_that_is_forgotten_is_as_a_new_one_though_an_override_keeps_its_record(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.loadbalance.memory = 0;
    report_and_poll(fixture, false, STREAK);
    balance_override(fixture->balance, numbered_key(KEY), fixture->hosts[BAD], OVERRIDE_PINNED);
    put(fixture, KEY, BAD, TTL_S, NULL);
    put(fixture, KEY, HOSTS, TTL_S, NULL);
    assert_int_equal(health(fixture).override, OVERRIDE_PINNED);
    assert_int_equal(health(fixture).state, HOST_IN_ROTATION);
    assert_int_equal(health(fixture).level, 0);
}

static void healthy_host_that_leaves_leaves_no_record_and_no_memory_means_none(void **state)
{
    struct fixture *fixture = *state;
    struct host_health found;
    report_and_poll(fixture, false, 1);
    put(fixture, KEY, BAD, TTL_S, NULL);
    assert_false(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    put(fixture, KEY, HOSTS, TTL_S, NULL);
    fixture->config.loadbalance.memory = 0;
    report_and_poll(fixture, false, STREAK);
    put(fixture, KEY, BAD, TTL_S, NULL);
    assert_false(find_record(fixture, KEY, fixture->hosts[BAD], &found));
}

static void memory_of_a_fetcher_with_another_clock_ends(void **state)
{
    enum {
        AHEAD_MS = 1000000000
    };
    struct fixture *fixture = *state;
    struct host_health found;
    fixture->config.loadbalance.overload_timeout = 3600;
    report(fixture, KEY, false, STREAK);
    balance_poll(fixture->balance, clock_tick() + AHEAD_MS);
    put(fixture, KEY, BAD, TTL_S, NULL);
    restart(fixture);
    assert_true(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    assert_int_equal(found.state, HOST_EJECTED);
    balance_poll(fixture->balance, clock_tick() + 602000);
    assert_false(find_record(fixture, KEY, fixture->hosts[BAD], &found));
}

/* ---- states, records, reports ---- */

static void ejection_by_results_that_came_while_a_table_was_published_is_shown(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t states_before[1] = {0};
    report_and_poll(fixture, false, STREAK);
    assert_true(any_limited_by_key(fixture->instance->writer, numbered_key(KEY)));
    put(fixture, KEY, HOSTS - 1, TTL_S, states_before);
    assert_true(any_limited_by_key(fixture->instance->writer, numbered_key(KEY)));
}

static void record_of_a_route_that_is_gone_does_not_stay(void **state)
{
    struct fixture *fixture = *state;
    struct host_health found;
    put(fixture, OTHER_KEY, HOSTS, TTL_S, NULL);
    report(fixture, OTHER_KEY, false, 1);
    report_and_poll(fixture, false, 1);
    put(fixture, OTHER_KEY, 0, 0, NULL);
    balance_maintain(fixture->balance);
    assert_true(find_record(fixture, OTHER_KEY, HOST_ADDR_NONE, &found));
    pause_ms(5); /* an unknown key that has expired is not taken over by the next generation */
    instance_renew(fixture->instance);
    assert_int_equal(state_by_key(fixture->instance->writer, numbered_key(OTHER_KEY)), ROUTE_UNKNOWN);
    balance_maintain(fixture->balance);
    assert_false(find_record(fixture, OTHER_KEY, HOST_ADDR_NONE, &found));
    assert_true(find_record(fixture, KEY, HOST_ADDR_NONE, &found));
    assert_int_equal(health(fixture).total_err, 1);
}

static void results_that_a_fetcher_finds_are_kept_however_early_it_ends(void **state)
{
    struct fixture *fixture = *state;
    report(fixture, KEY, true, 10);
    for (int i = 0; i < 3; i++)
        restart(fixture);
    assert_int_equal(health(fixture).total_succ, 10);
}

static void all_routes_with_records_can_be_reported_again(void **state)
{
    static struct host_result results[HOSTS_MAX];
    struct fixture *fixture = *state;
    struct route_key key;
    uint32_t count;
    report_and_poll(fixture, true, 10);
    put(fixture, OTHER_KEY, HOSTS, TTL_S, NULL);
    for (int i = 0; i < 2; i++) {
        balance_begin_round(fixture->balance);
        assert_true(balance_next_results(fixture->balance, false, &key, results, &count));
        assert_int_equal(route_key_number(key), KEY);
        assert_int_equal(count, HOSTS);
        assert_int_equal(results[BAD].succ, 10);
        assert_false(balance_next_results(fixture->balance, false, &key, results, &count));
        balance_report_all(fixture->balance);
    }
}

/* What larshm_report() does: a success of each host of a route. Returns how many are taken. */
static uint32_t report_as_the_library(const struct fixture *fixture, uint64_t key)
{
    struct region region, routes_region;
    struct control control;
    struct routes routes;
    uint32_t taken = 0;
    assert_int_equal(instance_map(fixture->instance, false, &routes_region, &routes), SHM_OK);
    instance_map_control(fixture->instance, &region, &control);
    for (int i = 0; i < HOSTS; i++)
        taken += (load_relaxed(&routes.s_header->hosts_full) ? call_stats_record_known : call_stats_record)(
                     &control, numbered_key(key), fixture->hosts[i], true, 1, (uint32_t)i) == SHM_OK;
    region_close(&region);
    region_close(&routes_region);
    return taken;
}

static uint64_t all_totals(const struct fixture *fixture)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct host_records hosts;
    uint64_t sum = 0;
    assert_int_equal(region_open(fixture->instance->names.hosts, false, &self, HEADER_BYTES, &region),
                     SHM_OK);
    assert_int_equal(host_records_attach(&region, &hosts), SHM_OK);
    for (uint32_t number = 0; number < host_records_used(&hosts); number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (host_records_read(&hosts, number, &key, &host, &entry))
            sum += entry.health.total_succ;
    }
    region_close(&region);
    return sum;
}

static bool clients_know_that_hosts_are_full(const struct fixture *fixture)
{
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(fixture->instance, false, &region, &routes), SHM_OK);
    bool full = load_relaxed(&routes.s_header->hosts_full);
    region_close(&region);
    return full;
}

/* Hosts of routes before `end` get records until clients are refused. Returns the tick. */
static uint64_t fill_records(struct fixture *fixture, uint64_t end)
{
    balance_delete(fixture->balance);
    fixture->config.shm.max_bytes = 1 << 20;
    start_balance(fixture);
    uint64_t now = clock_tick();
    for (uint64_t key = 100; !clients_know_that_hosts_are_full(fixture); key++) {
        assert_true(key < end);
        put(fixture, key, HOSTS, 600, NULL);
        report_as_the_library(fixture, key); /* one that by chance finds no cell has no record */
        balance_poll(fixture->balance, now);
    }
    return now;
}

/* While clients are refused there is some room left, for results that came before they knew, and for overrides. */
static void
g11_hosts_that_get_a_record_while_clients_are_refused_are_named_in_the_control_object(void **state)
{
    enum {
        LATE = 5000,
        PINNED
    };
    struct fixture *fixture = *state;
    struct region region;
    struct control control;
    fill_records(fixture, LATE);
    put(fixture, LATE, HOSTS, 600, NULL);
    put(fixture, PINNED, HOSTS, 600, NULL);
    instance_map_control(fixture->instance, &region, &control);
    instance_renew(fixture->instance);
    for (int again = 0; again < 2; again++) /* it may take more call cells, once all are named */
        balance_poll(fixture->balance, clock_tick());
    uint64_t number = writer_control(fixture->instance->writer);
    assert_int_equal(report_as_the_library(fixture, LATE), 0);
    assert_int_equal(report_as_the_library(fixture, PINNED), 0);
    /* A client that has not moved on. */
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(call_stats_record(&control, numbered_key(LATE), fixture->hosts[i], true, 1, 0),
                         SHM_OK);
    region_close(&region);
    assert_int_equal(
        balance_override(fixture->balance, numbered_key(PINNED), fixture->hosts[BAD], OVERRIDE_PINNED),
        BALANCE_DONE);
    uint64_t before = all_totals(fixture);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(all_totals(fixture), before + HOSTS);
    assert_int_equal(writer_control(fixture->instance->writer), number);
    assert_int_equal(report_as_the_library(fixture, LATE), HOSTS);
    assert_int_equal(report_as_the_library(fixture, PINNED), 1);
    balance_poll(fixture->balance, clock_tick());
    assert_int_equal(all_totals(fixture), before + 2 * HOSTS + 1);
}

static void g10_hosts_that_have_left_are_not_remembered_where_there_is_no_room_for_others(void **state)
{
    enum {
        FULL = 5000
    };
    struct fixture *fixture = *state;
    struct host_health found;
    report_and_poll(fixture, false, STREAK);
    put(fixture, KEY, BAD, TTL_S, NULL);
    fill_records(fixture, FULL);
    assert_false(find_record(fixture, KEY, fixture->hosts[BAD], &found));
    report(fixture, 100, false, STREAK);
    balance_poll(fixture->balance, clock_tick());
    assert_true(find_record(fixture, 100, fixture->hosts[BAD], &found));
    assert_int_equal(found.state, HOST_EJECTED);
    put(fixture, 100, BAD, 600, NULL);
    assert_false(find_record(fixture, 100, fixture->hosts[BAD], &found));
}

static void g10_results_that_are_refused_for_lack_of_records_have_no_object_replaced(void **state)
{
    enum {
        LATE = 5000
    };
    struct fixture *fixture = *state;
    uint64_t now = fill_records(fixture, LATE);
    put(fixture, LATE, HOSTS, 600, NULL);
    for (int again = 0; again < 3; again++) /* it may take more call cells */
        balance_poll(fixture->balance, now);
    uint64_t number = writer_control(fixture->instance->writer);
    for (int again = 0; again < 5; again++) {
        now += 11000;
        assert_int_equal(report_as_the_library(fixture, LATE), 0);
        balance_poll(fixture->balance, now);
        assert_int_equal(writer_control(fixture->instance->writer), number);
    }
}

static void
g11_results_of_hosts_without_room_for_a_record_are_refused_and_all_that_are_taken_count(void **state)
{
    enum {
        ROUTES = 1100 /* of HOSTS hosts: more records than fit into 1 MB */
    };
    struct fixture *fixture = *state;
    balance_delete(fixture->balance);
    fixture->config.shm.max_bytes = 1 << 20;
    start_balance(fixture);
    uint64_t taken = 0, refused = 0;
    for (uint64_t key = 100; key < 100 + ROUTES; key++) {
        put(fixture, key, HOSTS, 600, NULL);
        uint32_t now = report_as_the_library(fixture, key);
        taken += now;
        refused += HOSTS - now;
        if (key % 20 == 0)
            balance_poll(fixture->balance, clock_tick());
    }
    balance_poll(fixture->balance, clock_tick());
    assert_true(refused > 0);
    assert_int_equal(all_totals(fixture), taken);
    assert_int_equal(report_as_the_library(fixture, 100 + ROUTES - 1), 0);
    /* Those that have a record go on, also in another generation. */
    for (int generation = 0; generation < 2; generation++) {
        taken += HOSTS;
        assert_int_equal(report_as_the_library(fixture, 100), HOSTS);
        balance_poll(fixture->balance, clock_tick());
        assert_int_equal(all_totals(fixture), taken);
        instance_renew(fixture->instance);
        balance_poll(fixture->balance, clock_tick());
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(host_that_comes_back_has_no_streak_from_before),
        TEST(failures_of_a_host_that_is_away_are_no_streak_when_it_comes_back),
        TEST(streak_in_an_older_control_object_ends_with_the_host_too),
        TEST(no_more_than_max_ejected_go_out_and_the_others_are_spared),
        TEST(limit_of_hosts_that_are_out_is_rounded_down),
        TEST(worst_hosts_go_out_in_whatever_order_they_fail),
        TEST(host_that_fails_no_worse_does_not_replace_one_that_is_out),
        TEST(only_host_of_a_route_is_never_ejected),
        TEST(drained_hosts_are_neither_counted_nor_in_rotation),
        TEST(table_that_loses_hosts_never_has_too_many_out),
        TEST(results_that_came_while_a_table_was_published_take_no_more_hosts_out),
        TEST(next_fetcher_spares_what_the_last_one_had_no_time_for),
        TEST(rules_of_lars_let_all_hosts_go_out),
        TEST(route_with_a_spared_host_is_shown_as_such_until_it_is_good_or_gone),
        TEST(share_of_a_host_that_is_back_grows_in_time_however_it_is_counted),
        TEST(next_fetcher_goes_on_with_a_share),
        TEST(host_that_is_given_back_within_memory_is_still_ejected),
        TEST(ejection_ends_while_the_host_is_away),
        TEST(host_is_forgotten_when_memory_is_over),
        TEST(host_that_is_forgotten_is_as_a_new_one_though_an_override_keeps_its_record),
        TEST(healthy_host_that_leaves_leaves_no_record_and_no_memory_means_none),
        TEST(memory_of_a_fetcher_with_another_clock_ends),
        TEST(ejection_by_results_that_came_while_a_table_was_published_is_shown),
        TEST(record_of_a_route_that_is_gone_does_not_stay),
        TEST(results_that_a_fetcher_finds_are_kept_however_early_it_ends),
        TEST(all_routes_with_records_can_be_reported_again),
        TEST(g11_hosts_that_get_a_record_while_clients_are_refused_are_named_in_the_control_object),
        TEST(g10_hosts_that_have_left_are_not_remembered_where_there_is_no_room_for_others),
        TEST(g10_results_that_are_refused_for_lack_of_records_have_no_object_replaced),
        TEST(g11_results_of_hosts_without_room_for_a_record_are_refused_and_all_that_are_taken_count),
    };
    return cmocka_run_group_tests_name("unit/fetcher/balance", tests, NULL, NULL);
}
