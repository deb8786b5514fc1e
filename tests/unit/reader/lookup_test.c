/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "shm/control.h"
#include "shm/reader/demand.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    THREADS = 8
};

static larshm *open_handle(const struct instance *instance)
{
    larshm *h = NULL;
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    return h;
}

static void lookups_answer_exactly_what_was_published(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    for (uint32_t count = 1; count < 200; count += 13) {
        uint64_t key = route_key_number(route_key(count, 7));
        larshm_host host, hosts[200];
        size_t known = 0;
        uint32_t round = UINT32_MAX;
        instance_put(instance, key, count, count, 15);
        assert_int_equal(larshm_get_route(h, count, 7, hosts, 200, &known), LARSHM_OK);
        assert_int_equal(known, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(self_checking_holds(key, i, hosts[i].addr, hosts[i].port, &round));
            assert_int_equal(hosts[i].modid, count);
            assert_int_equal(hosts[i].cmdid, 7);
        }
        assert_int_equal(round, count);
        assert_int_equal(larshm_get_host(h, count, 7, &host), LARSHM_OK);
        bool found = false;
        for (uint32_t i = 0; i < count; i++)
            found |= host.addr == hosts[i].addr && host.port == hosts[i].port;
        assert_true(found);
    }
    larshm_close(h);
}

static void get_host_batch_answers_for_each_route_as_get_host_does(void **state)
{
    enum {
        COUNT = 100
    };
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host hosts[COUNT];
    int codes[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        hosts[i] = (larshm_host){.modid = 1, .cmdid = i};
        if (i % 5)
            instance_put(instance, route_key_number(route_key(1, i)), 1, i % 5 == 4 ? 0 : i % 5, 15);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, COUNT), COUNT / 5 * 3);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool found = false;
        for (uint32_t at = 0; at < i % 5; at++) {
            uint32_t round = UINT32_MAX;
            found |= self_checking_holds(route_key_number(route_key(1, i)), at, hosts[i].addr, hosts[i].port,
                                         &round);
        }
        assert_int_equal(codes[i], i % 5 == 0 ? LARSHM_PENDING : i % 5 == 4 ? LARSHM_NOEXIST : LARSHM_OK);
        assert_int_equal(found, codes[i] == LARSHM_OK);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, 0), 0);
    assert_ptr_equal(larshm_get_hosts, larshm_get_host_batch); /* the name of 0.1 */
    larshm_close(h);
}

static void get_route_fills_no_more_than_there_is_room_for(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host hosts[3];
    size_t count = 0;
    memset(hosts, 0xee, sizeof(hosts));
    instance_put(instance, 1, 1, 10, 15);
    assert_int_equal(larshm_get_route(h, 0, 1, hosts, 2, &count), LARSHM_OK);
    assert_int_equal(count, 10);
    assert_int_equal(hosts[2].port, 0xeeee);
    assert_int_equal(larshm_get_route(h, 0, 1, NULL, 0, &count), LARSHM_OK);
    assert_int_equal(count, 10);
    larshm_close(h);
}

static void every_key_but_the_last_one_can_be_a_route(void **state)
{
    static const uint64_t keys[] = {0, 1, UINT64_C(1) << 32, UINT64_MAX - 1, (uint64_t)UINT32_MAX << 32};
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        assert_int_equal(larshm_get_host(h, numbered_key(keys[i]).modid, numbered_key(keys[i]).cmdid, &host),
                         LARSHM_PENDING);
        assert_int_equal(instance_missed(instance).key[0], keys[i]);
        instance_put(instance, keys[i], 1, 4, 15);
        assert_int_equal(larshm_get_host(h, numbered_key(keys[i]).modid, numbered_key(keys[i]).cmdid, &host),
                         LARSHM_OK);
    }
    larshm_close(h);
}

static void the_last_key_is_no_route_and_is_asked_for_by_nobody(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    larshm_view view;
    larshm_route_info info;
    size_t count;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(larshm_get_host(h, UINT32_MAX, UINT32_MAX, &host), LARSHM_NOEXIST);
    assert_int_equal(larshm_get_route(h, UINT32_MAX, UINT32_MAX, &host, 1, &count), LARSHM_NOEXIST);
    assert_int_equal(larshm_route_begin(h, UINT32_MAX, UINT32_MAX, &view), LARSHM_NOEXIST);
    assert_int_equal(larshm_wait_route(h, UINT32_MAX, UINT32_MAX, 0), LARSHM_NOEXIST);
    assert_int_equal(larshm_info(h, UINT32_MAX, UINT32_MAX, &info), LARSHM_NOEXIST);
    assert_int_equal(instance_missed(instance).count, 0);
    /* Nor does the writer take it for the route whose table lies first in the arena. */
    writer_set_pulling(instance->writer, numbered_key(1));
    writer_set_new(instance->writer, ROUTE_KEY_NONE);
    assert_int_equal(writer_state(instance->writer, numbered_key(1)), ROUTE_PULLING);
    larshm_close(h);
}

static void *miss_the_same_key(void *h)
{
    larshm_host host;
    uintptr_t pending = 0;
    for (int i = 0; i < 1000; i++)
        pending += larshm_get_host(h, 3, 4, &host) == LARSHM_PENDING;
    return (void *)pending;
}

static void a_storm_of_misses_on_one_key_is_one_request(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, miss_the_same_key, h), 0);
    for (int i = 0; i < THREADS; i++) {
        void *pending;
        pthread_join(threads[i], &pending);
        assert_int_equal((uintptr_t)pending, 1000);
    }
    struct keys missed = instance_missed(instance);
    /* Threads that find different free cells at the same moment may name it in each of the four that it can use. */
    assert_in_range(missed.count, 1, 4);
    for (uint32_t i = 0; i < missed.count; i++)
        assert_int_equal(missed.key[i], route_key_number(route_key(3, 4)));
    assert_int_equal(instance_missed(instance).count, 0);
    miss_the_same_key(h);
    assert_int_equal(instance_missed(instance).count, 1);
    larshm_close(h);
}

static void a_full_table_of_misses_loses_no_known_route(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    instance_put(instance, route_key_number(route_key(9, 9)), 1, 4, 1);
    instance_heartbeat(instance, clock_tick() + 5000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(larshm_get_host(h, 1000, i, &host), LARSHM_PENDING);
    assert_int_equal(larshm_get_host(h, 9, 9, &host), LARSHM_OK);
    struct keys flagged = instance_flagged(instance);
    assert_int_equal(flagged.count, 1);
    assert_int_equal(flagged.key[0], route_key_number(route_key(9, 9)));
    assert_in_range(instance_missed(instance).count, 1, MISS_CELLS);
    larshm_close(h);
}

static void g9_an_expired_route_is_answered_and_asked_for_once(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    uint64_t now = clock_tick();
    instance_put(instance, 1, 1, 4, 1);
    instance_put(instance, 2, 1, 4, 1000);
    instance_heartbeat(instance, now);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 0);
    instance_heartbeat(instance, now + 60 * 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        assert_int_equal(larshm_get_host(h, 0, 2, &host), LARSHM_OK);
    }
    struct keys flagged = instance_flagged(instance);
    assert_int_equal(flagged.count, 1);
    assert_int_equal(flagged.key[0], 1);
    assert_true(writer_expired(instance->writer, numbered_key(1), now + 60 * 1000));
    assert_int_equal(instance_flagged(instance).count, 0);
    larshm_close(h);
}

static void a_route_being_pulled_is_not_asked_for_again(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    uint64_t later = clock_tick() + 60 * 1000;
    instance_put(instance, 1, 1, 4, 1);
    instance_heartbeat(instance, later);
    writer_set_pulling(instance->writer, numbered_key(1));
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 0);
    /* Rule 6: the connection was lost, and the route may be asked for again. */
    writer_set_new(instance->writer, numbered_key(1));
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, 1);
    larshm_close(h);
}

static void a_negative_answer_is_served_and_refreshed(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    instance_put(instance, 1, 1, 0, 1);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    instance_heartbeat(instance, clock_tick() + 5000);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    assert_int_equal(instance_flagged(instance).count, 1);
    instance_put(instance, 1, 1, 2, 15);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    larshm_close(h);
}

static void a_reached_limit_is_said_so(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    enum shm_status status = SHM_OK;
    for (uint64_t key = 1; status == SHM_OK; key++)
        status = writer_put(instance->writer, numbered_key(key), NULL, 0, NULL, 15, clock_tick(),
                            instance->message);
    assert_int_equal(status, SHM_FULL);
    assert_int_equal(larshm_get_host(h, 5, 5, &host), LARSHM_FULL);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_NOEXIST);
    larshm_close(h);
}

static void info_tells_age_state_and_who_looks_after_it(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_route_info info;
    instance_heartbeat(instance, clock_tick());
    writer_connection(instance->writer, CONNECTION_UP, clock_tick());
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_PENDING);
    assert_true(info.fetcher_alive && info.connected && info.can_ask);
    assert_int_equal(instance_missed(instance).count, 0);

    struct host_addr host;
    uint64_t then = clock_tick() - 20 * 1000;
    self_checking_hosts(1, 1, 1, &host);
    assert_int_equal(
        writer_put(instance->writer, numbered_key(1), &host, 1, NULL, 15, then, instance->message), SHM_OK);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_int_equal(info.hosts, 1);
    assert_int_equal(info.update_timeout_s, 15);
    assert_in_range(info.age_ms, 20 * 1000, 120 * 1000);
    assert_true(info.expired && !info.pulling);
    uint64_t version = info.version;

    writer_set_pulling(instance->writer, numbered_key(1));
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.pulling && info.expired);
    assert_in_range(info.age_ms, 20 * 1000, 120 * 1000);

    instance_put(instance, 1, 2, 3, 15);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.pulling && !info.expired && info.version > version && info.age_ms < 15 * 1000);

    instance_put(instance, 1, 2, 0, 15);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_NOEXIST);
    assert_int_equal(info.hosts, 0);
    larshm_close(h);
}

static void g9_a_dead_fetcher_is_visible_and_its_routes_are_served(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_route_info info;
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    instance_heartbeat(instance, clock_tick() - 10 * 1000);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.fetcher_alive && info.fetcher_silent_ms >= 10 * 1000);
    instance_heartbeat(instance, clock_tick());
    instance_stop(instance);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.fetcher_alive && !info.connected);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    instance_start(instance);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.fetcher_alive);
    larshm_close(h);
}

/* In a child that has given its rights away: 0, or the number of the first thing that is wrong. */
static int without_permission(const struct instance *instance)
{
    larshm *h = NULL;
    larshm_host host;
    larshm_route_info info;
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 1;
    if (larshm_open(&h, instance->name) != LARSHM_OK)
        return 2;
    if (larshm_get_host(h, 0, 1, &host) != LARSHM_OK)
        return 3;
    if (larshm_get_host(h, 0, 2, &host) != LARSHM_NO_PERMISSION)
        return 4;
    if (larshm_wait_route(h, 0, 2, 5000) != LARSHM_NO_PERMISSION)
        return 5;
    if (larshm_info(h, 0, 1, &info) != LARSHM_OK || info.can_ask)
        return 6;
    larshm_close(h);
    return 0;
}

static void a_client_that_may_not_ask_still_looks_up(void **state)
{
    struct instance *instance = *state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give its rights away\n");
        skip();
    }
    instance_put(instance, 1, 1, 4, 1);
    instance_heartbeat(instance, clock_tick() + 5000);
    pid_t child = fork();
    if (child == 0)
        _exit(without_permission(instance));
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    assert_int_equal(instance_flagged(instance).count, 0);
    assert_int_equal(instance_missed(instance).count, 0);
}

static void a_missing_control_object_is_no_matter_of_permission(void **state)
{
    struct instance *instance = *state;
    larshm_host host;
    shm_unlink(instance->names.control);
    larshm *h = open_handle(instance);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_PENDING);
    larshm_close(h);
}

static void lookups_of_all_threads_are_counted_in_batches(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_handle(instance);
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    for (int i = 0; i < 1000; i++)
        larshm_get_host(h, 0, 1, &host);
    larshm_close(h);
    assert_int_equal(writer_maintain(instance->writer, clock_tick(), instance->message), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups), 1000);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups_missed), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(lookups_answer_exactly_what_was_published),
        TEST(get_host_batch_answers_for_each_route_as_get_host_does),
        TEST(get_route_fills_no_more_than_there_is_room_for),
        TEST(every_key_but_the_last_one_can_be_a_route),
        TEST(the_last_key_is_no_route_and_is_asked_for_by_nobody),
        TEST(a_storm_of_misses_on_one_key_is_one_request),
        TEST(a_full_table_of_misses_loses_no_known_route),
        TEST(g9_an_expired_route_is_answered_and_asked_for_once),
        TEST(a_route_being_pulled_is_not_asked_for_again),
        TEST(a_negative_answer_is_served_and_refreshed),
        TEST(a_reached_limit_is_said_so),
        TEST(info_tells_age_state_and_who_looks_after_it),
        TEST(g9_a_dead_fetcher_is_visible_and_its_routes_are_served),
        TEST(a_client_that_may_not_ask_still_looks_up),
        TEST(a_missing_control_object_is_no_matter_of_permission),
        TEST(lookups_of_all_threads_are_counted_in_batches),
    };
    return cmocka_run_group_tests_name("reader/lookup", tests, NULL, NULL);
}
