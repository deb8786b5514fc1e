/* SPDX-License-Identifier: MIT */
/* Routes that are opened once and picked from again and again. Hosts of route (0, n) are self-checking, or n ports. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/child.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"

enum {
    HOSTS_MOST = 20,
    WINDOW = 1000, /* any so many picks in a row are spread evenly */
    PICKS = 5000,
    ROUTES = 1000,
    CHILD_SECONDS = 20,
};

static larshm_route open_route(larshm *h, uint32_t cmdid)
{
    larshm_route route;
    assert_int_equal(larshm_route_open(h, 0, cmdid, &route), LARSHM_OK);
    return route;
}

/* 0 .. hosts - 1 */
static uint32_t pick(larshm_route *route)
{
    larshm_host host = {0};
    assert_int_equal(larshm_route_pick(route, &host), LARSHM_OK);
    return (uint32_t)ntohs(host.port) - 1;
}

/* A self-checking host of this round. */
static bool is_of_round(const larshm_host *host, uint32_t cmdid, uint32_t hosts, uint32_t round)
{
    bool holds = false;
    for (uint32_t at = 0; at < hosts; at++) {
        uint32_t seen = round;
        holds |= self_checking_holds(cmdid, at, (struct host_addr){host->addr, host->port}, &seen);
    }
    return holds && host->modid == 0 && host->cmdid == cmdid;
}

static bool picks_of_round(larshm_route *route, uint32_t cmdid, uint32_t hosts, uint32_t round)
{
    larshm_host host;
    return larshm_route_pick(route, &host) == LARSHM_OK && is_of_round(&host, cmdid, hosts, round);
}

static void an_open_route_answers_as_get_host_does(void **state)
{
    struct instance *instance = *state;
    static larshm_route routes[ROUTES];
    larshm_host host = {.port = 7}, other = host;
    larshm *h = client_open(instance);
    for (uint32_t i = 0; i < ROUTES; i++)
        if (i % 3 == 0)
            instance_put_ports(instance, route_key(0, i), i % 50);
    for (uint32_t i = 0; i < ROUTES; i++)
        assert_int_equal(larshm_route_open(h, 0, i, &routes[i]), i % 3    ? LARSHM_PENDING
                                                                 : i % 50 ? LARSHM_OK
                                                                          : LARSHM_NOEXIST);
    for (int times = 0; times < 3; times++)
        for (uint32_t i = 0; i < ROUTES; i++) {
            host = (larshm_host){.port = 7};
            assert_int_equal(larshm_route_pick(&routes[i], &host), larshm_get_host(h, 0, i, &other));
            if (i % 3 || i % 50 == 0)
                assert_int_equal(host.port, 7); /* as it was */
            else
                assert_true(host.cmdid == i && ntohs(host.port) - 1U < i % 50 && host.addr == other.addr);
        }
    assert_int_equal(larshm_route_open(h, UINT32_MAX, UINT32_MAX, &routes[0]), LARSHM_NOEXIST);
    assert_int_equal(larshm_route_pick(&routes[0], &host), LARSHM_NOEXIST);
    larshm_close(h);
}

static void an_unknown_route_is_requested_and_picked_once_it_is_there(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_route route;
    larshm_host host;
    assert_int_equal(larshm_route_open(h, 0, 5, &route), LARSHM_PENDING);
    assert_int_equal(instance_missed(instance).key[0], 5);
    assert_int_equal(larshm_route_pick(&route, &host), LARSHM_PENDING);
    assert_int_equal(instance_missed(instance).count, 1);
    instance_put(instance, 5, 1, 3, 15);
    assert_true(picks_of_round(&route, 5, 3, 1));
    larshm_close(h);
}

/* How far the worst host of the worst window is from its even share, in picks. */
static double worst_window(const uint32_t *picks, uint32_t count)
{
    uint32_t seen[HOSTS_MOST] = {0};
    double worst = 0, share = (double)WINDOW / count;
    for (uint32_t i = 0; i < PICKS; i++) {
        assert_in_range(picks[i], 0, count - 1);
        seen[picks[i]]++;
        if (i >= WINDOW)
            seen[picks[i - WINDOW]]--;
        for (uint32_t host = 0; i + 1 >= WINDOW && host < count; host++) {
            double off = seen[host] > share ? seen[host] - share : share - seen[host];
            worst = off > worst ? off : worst;
        }
    }
    return worst;
}

static void any_thousand_picks_are_spread_evenly_and_two_in_a_row_are_two_hosts(void **state)
{
    struct instance *instance = *state;
    static uint32_t picks[PICKS];
    larshm *h = client_open(instance);
    for (uint32_t count = 1; count <= HOSTS_MOST; count++) {
        instance_put_ports(instance, route_key(0, count), count);
        larshm_route route = open_route(h, count);
        for (uint32_t i = 0; i < PICKS; i++) {
            picks[i] = pick(&route);
            assert_true(count == 1 || i == 0 || picks[i] != picks[i - 1]);
        }
        assert_true(worst_window(picks, count) <= WINDOW * 0.02);
    }
    larshm_close(h);
}

/* As a program does that opens a route for each call. */
static void routes_that_are_picked_from_once_each_spread_their_picks(void **state)
{
    struct instance *instance = *state;
    static uint32_t picks[PICKS];
    larshm *h = client_open(instance);
    for (uint32_t count = 1; count <= HOSTS_MOST; count++) {
        instance_put_ports(instance, route_key(0, count), count);
        for (uint32_t i = 0; i < PICKS; i++) {
            larshm_route route = open_route(h, count);
            picks[i] = pick(&route);
        }
        assert_true(worst_window(picks, count) <= WINDOW * 0.02);
    }
    larshm_close(h);
}

static void g3_a_pick_sees_what_was_published_before(void **state)
{
    struct instance *instance = *state;
    static larshm_route routes[ROUTES];
    larshm *h = client_open(instance);
    for (uint32_t round = 1; round <= 5; round++) {
        if (round % 2 == 0)
            instance_renew(instance); /* and all tables go elsewhere */
        for (uint32_t i = 1; i < ROUTES; i++) {
            instance_put(instance, i, round, 1 + i % 3, 15);
            if (round == 1)
                routes[i] = open_route(h, i);
            assert_true(picks_of_round(&routes[i], i, 1 + i % 3, round));
        }
        for (uint32_t i = 1; i < ROUTES; i++)
            assert_true(picks_of_round(&routes[i], i, 1 + i % 3, round));
    }
    larshm_close(h);
}

/* The table whose place the route remembers is written over, with that of another route. */
static void g2_a_block_that_is_used_again_is_not_taken_for_the_route(void **state)
{
    struct instance *instance = *state;
    instance_stop(instance);
    instance->options.settings.grace_ms = 0;
    instance_start(instance);
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 2, 15);
    larshm_route idle = open_route(h, 1), route = idle;
    for (uint32_t round = 2; round < 500; round++) {
        instance_put(instance, 1, round, 2, 15);
        instance_put(instance, 1 + round % 7, round, 2, 15);
        larshm_route copy = idle;
        assert_true(picks_of_round(&route, 1, 2, round));
        assert_true(picks_of_round(&copy, 1, 2, round));
    }
    larshm_close(h);
}

static void g5_a_route_is_served_while_its_fetcher_is_dead_and_by_the_next_one(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 2, 15);
    larshm_route route = open_route(h, 1);
    instance_stop(instance);
    assert_true(picks_of_round(&route, 1, 2, 1));
    instance_start(instance);
    assert_true(picks_of_round(&route, 1, 2, 1));
    instance_put(instance, 1, 2, 2, 15);
    assert_true(picks_of_round(&route, 1, 2, 2));
    larshm_close(h);
}

static void g9_an_expired_route_is_answered_and_demanded(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 3, 15);
    larshm_route route = open_route(h, 1);
    assert_true(picks_of_round(&route, 1, 3, 1));
    assert_int_equal(instance_flagged(instance).count, 0);
    instance_heartbeat(instance, clock_tick() + UINT64_C(1000) * TTL_MAX_S * 2);
    assert_true(picks_of_round(&route, 1, 3, 1));
    struct keys flagged = instance_flagged(instance);
    assert_true(flagged.count == 1 && flagged.key[0] == 1);
    larshm_close(h);
}

static void hosts_out_of_rotation_are_not_picked(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    for (uint32_t count = 2; count <= HOSTS_MOST; count++) {
        instance_put_ports(instance, route_key(0, count), count);
        larshm_route route = open_route(h, count);
        for (uint32_t out = 0; out < count; out++) {
            for (uint32_t i = 0; i < 100; i++)
                assert_true(pick(&route) >= out);
            set_rotation_by_key(instance->writer, route_key(0, count), out, true, true);
        }
        assert_int_equal(larshm_route_pick(&route, &host), LARSHM_OVERLOAD);
        set_rotation_by_key(instance->writer, route_key(0, count), 1, false, false);
        assert_int_equal(pick(&route), 1);
    }
    larshm_close(h);
}

static void a_route_that_is_not_used_keeps_no_object_mapped(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 2, 15);
    instance_put(instance, 2, 1, 2, 15);
    larshm_route idle = open_route(h, 1), used = open_route(h, 2);
    for (uint32_t round = 2; round < 5; round++) {
        instance_renew(instance);
        instance_put(instance, 2, round, 2, 15);
        assert_true(picks_of_round(&used, 2, 2, round));
        assert_int_equal(instance_reader_mappings(instance), 1);
    }
    assert_true(picks_of_round(&idle, 1, 2, 1));
    larshm_close(h);
}

static void each_pick_is_counted_once(void **state)
{
    enum {
        MANY = 100 * 1000
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    struct region region;
    struct routes routes;
    instance_put_ports(instance, route_key(0, 4), 4);
    larshm_route route = open_route(h, 4);
    for (uint32_t i = 0; i < MANY; i++)
        pick(&route);
    larshm_close(h);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    /* What is left of a batch of counts is not added. */
    assert_in_range(load_relaxed(&routes.s_header->counters[COUNTER_lookups]), MANY - 1000, MANY + 1);
    region_close(&region);
}

static void a_child_picks_from_the_routes_of_its_parent(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 4, 15);
    larshm_route route = open_route(h, 1);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(picks_of_round(&route, 1, 4, 1) && picks_of_round(&route, 1, 4, 1) ? 0 : 1);
        assert_true(child_ends_well(child, CHILD_SECONDS));
        assert_true(picks_of_round(&route, 1, 4, 1));
    }
    larshm_close(h);
}

/* Threads share a route whose table and generation change all the time. */
struct crowd {
    larshm_route *route;
    _Atomic bool stop;
    _Atomic uint32_t wrong;
};

static void *pick_on(void *context)
{
    struct crowd *crowd = context;
    while (!crowd->stop) {
        larshm_host host;
        uint32_t round = UINT32_MAX;
        bool right = larshm_route_pick(crowd->route, &host) == LARSHM_OK &&
                     (self_checking_holds(1, 0, (struct host_addr){host.addr, host.port}, &round) ||
                      self_checking_holds(1, 1, (struct host_addr){host.addr, host.port}, &round));
        crowd->wrong += !right;
    }
    return NULL;
}

static void g2_threads_may_share_a_route(void **state)
{
    enum {
        THREADS = 3,
        ROUNDS = 300
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 2, 15);
    larshm_route route = open_route(h, 1);
    struct crowd crowd = {.route = &route};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pick_on, &crowd), 0);
    for (uint32_t round = 2; round < ROUNDS; round++) {
        instance_put(instance, 1, round, 2, 15);
        if (round % 10 == 0)
            instance_renew(instance);
        assert_true(picks_of_round(&route, 1, 2, round));
    }
    crowd.stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.wrong, 0);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_open_route_answers_as_get_host_does),
        TEST(an_unknown_route_is_requested_and_picked_once_it_is_there),
        TEST(any_thousand_picks_are_spread_evenly_and_two_in_a_row_are_two_hosts),
        TEST(routes_that_are_picked_from_once_each_spread_their_picks),
        TEST(g3_a_pick_sees_what_was_published_before),
        TEST(g2_a_block_that_is_used_again_is_not_taken_for_the_route),
        TEST(g5_a_route_is_served_while_its_fetcher_is_dead_and_by_the_next_one),
        TEST(g9_an_expired_route_is_answered_and_demanded),
        TEST(hosts_out_of_rotation_are_not_picked),
        TEST(a_route_that_is_not_used_keeps_no_object_mapped),
        TEST(each_pick_is_counted_once),
        TEST(a_child_picks_from_the_routes_of_its_parent),
        TEST(g2_threads_may_share_a_route),
    };
    return cmocka_run_group_tests_name("unit/reader/route", tests, NULL, NULL);
}
