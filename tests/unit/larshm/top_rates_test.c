/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/larshm/top_rates.h"

/* Two samples, 2 seconds apart, each with a list of routes and records of hosts of its own. */
struct pair {
    struct top_sample before, after;
    struct top_rates rates;
};

static struct pair *pair_new(void)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_non_null(pair);
    pair->before.tick = pair->before.uses.tick = pair->before.hosts.tick = 10000;
    pair->after.tick = pair->after.uses.tick = pair->after.hosts.tick = 12000;
    return pair;
}

static void add_route(struct top_sample *sample, uint32_t cmdid, uint64_t lookups, uint64_t succ,
                      uint64_t err)
{
    const struct route_key key = route_key(1, cmdid);
    sample->routes[sample->uses.count] = (struct top_route){.cached = true};
    sample->uses.routes[sample->uses.count++] = (struct route_use){key, lookups};
    sample->hosts.of[sample->hosts.of_count++] = (struct top_results){key, succ, err};
}

static void update(struct pair *pair)
{
    top_rates_update(&pair->rates, &pair->before, &pair->after);
}

static void assert_near(double value, double expected)
{
    assert_true(value > expected - 0.001 && value < expected + 0.001);
}

static void rates_are_what_was_counted_by_the_time_between_two_samples(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair->before.facts.counters[COUNTER_lookups] = 1000;
    pair->after.facts.counters[COUNTER_lookups] = 1900;
    pair->after.facts.uncollected.lookups = 100;
    pair->after.facts.counters[COUNTER_publishes] = 3;
    pair->before.facts.counters[COUNTER_pushes] = 7; /* less than before: it was reset */
    pair->before.hosts.all = (struct top_results){.succ = 10, .err = 5};
    pair->after.hosts.all = (struct top_results){.succ = 40, .err = 15};
    update(pair);
    assert_true(pair->rates.known);
    assert_near(pair->rates.lookups, 500);
    assert_near(pair->rates.counters[COUNTER_publishes], 1.5);
    assert_near(pair->rates.counters[COUNTER_pushes], 0);
    assert_near(pair->rates.results.succ, 15);
    assert_near(top_failures(pair->rates.results), 0.25);
    free(pair);
}

static void without_an_instance_in_both_samples_nothing_is_known(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    add_route(&pair->after, 1, 10, 0, 0);
    pair->before.status = SHM_NO_OBJECT;
    update(pair);
    assert_false(pair->rates.known);
    assert_true(top_failures(pair->rates.results) < 0);
    assert_int_equal(pair->rates.count, 0);
    free(pair);
}

static void a_routes_rate_goes_by_when_its_lists_came(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    add_route(&pair->before, 1, 1000, 0, 0);
    add_route(&pair->after, 1, 5000, 0, 0);
    add_route(&pair->after, 2, 3000, 0, 0);
    pair->after.uses.tick = 11000;
    update(pair);
    assert_int_equal(pair->rates.count, 2);
    assert_near(pair->rates.rows[0].lookups, 4000);
    assert_true(pair->rates.rows[1].lookups < 0); /* not in the list before */
    free(pair);
}

static void a_routes_rate_stays_until_a_new_list_comes_or_is_overdue(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    add_route(&pair->before, 1, 1000, 0, 0);
    add_route(&pair->after, 1, 5000, 0, 0);
    update(pair);
    pair->before = pair->after;
    pair->after.tick += 1000;
    update(pair);
    assert_near(pair->rates.rows[0].lookups, 2000);
    pair->after.tick += 3000;
    update(pair);
    assert_near(pair->rates.rows[0].lookups, 0);
    free(pair);
}

static void a_routes_failures_stay_until_its_hosts_are_read_again(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    add_route(&pair->before, 1, 0, 100, 100);
    add_route(&pair->after, 1, 0, 130, 110);
    update(pair);
    assert_near(top_failures(pair->rates.rows[0].results), 0.25);
    pair->before = pair->after;
    pair->after.tick += 1000;
    update(pair);
    assert_near(top_failures(pair->rates.rows[0].results), 0.25);
    pair->after.hosts.tick += 1000; /* and there was no result meanwhile */
    update(pair);
    assert_true(top_failures(pair->rates.rows[0].results) < 0);
    free(pair);
}

static void expect_order(struct pair *pair, enum top_sort sort, uint32_t first, uint32_t second,
                         uint32_t third)
{
    top_rates_sort(&pair->rates, sort);
    assert_int_equal(pair->rates.rows[0].key.cmdid, first);
    assert_int_equal(pair->rates.rows[1].key.cmdid, second);
    assert_int_equal(pair->rates.rows[2].key.cmdid, third);
}

static void routes_are_sorted_by_rate_failures_or_age(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    for (uint32_t cmdid = 1; cmdid <= 3; cmdid++)
        add_route(&pair->before, cmdid, 0, 0, 0);
    add_route(&pair->after, 1, 300, 0, 0);
    add_route(&pair->after, 2, 200, 50, 50);
    add_route(&pair->after, 3, 100, 10, 0);
    pair->after.routes[0].age_ms = 5;
    pair->after.routes[1].age_ms = 1;
    pair->after.routes[2].age_ms = 9;
    update(pair);
    expect_order(pair, SORT_BY_FAILURES, 2, 3, 1);
    expect_order(pair, SORT_BY_AGE, 3, 1, 2);
    expect_order(pair, SORT_BY_RATE, 1, 2, 3);
    free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_what_was_counted_by_the_time_between_two_samples),
        cmocka_unit_test(without_an_instance_in_both_samples_nothing_is_known),
        cmocka_unit_test(a_routes_rate_goes_by_when_its_lists_came),
        cmocka_unit_test(a_routes_rate_stays_until_a_new_list_comes_or_is_overdue),
        cmocka_unit_test(a_routes_failures_stay_until_its_hosts_are_read_again),
        cmocka_unit_test(routes_are_sorted_by_rate_failures_or_age),
    };
    return cmocka_run_group_tests_name("unit/larshm/top_rates", tests, NULL, NULL);
}
