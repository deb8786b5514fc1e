/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "reader/rcu.h"
#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEEP_MS = 60 * 1000, /* past every grace_ms */
};

/* What the view shows is round `round` of the key, and nothing else. */
static void expect_round(const larshm_view *view, uint64_t key, uint32_t round)
{
    uint32_t seen = UINT32_MAX;
    for (uint32_t i = 0; i < view->count; i++)
        assert_true(self_checking_holds(key, i, (struct host_addr){view->addr[i], view->port[i]}, &seen));
    assert_int_equal(seen, round);
}

static void begin(larshm *h, uint64_t key, larshm_view *view)
{
    assert_int_equal(larshm_route_begin(h, numbered_key(key).modid, numbered_key(key).cmdid, view),
                     LARSHM_OK);
}

/* Publishes at a tick of the caller's choice. */
static void put_at(struct instance *instance, uint64_t key, uint32_t round, uint32_t count, uint64_t now)
{
    struct host_addr hosts[64];
    self_checking_hosts(key, round, count, hosts);
    assert_int_equal(put_by_key(instance->writer, numbered_key(key), hosts, count, NULL, 15, now), SHM_OK);
}

static void g4_a_view_stays_as_it_was_within_grace(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view;
    uint64_t now = clock_tick();
    put_at(instance, 1, 1, 10, now);
    h = client_open(instance);
    begin(h, 1, &view);
    assert_int_equal(view.count, 10);
    for (uint32_t round = 2; round < 500; round++)
        put_at(instance, 1, round, 10, now + instance->options.settings.grace_ms);
    expect_round(&view, 1, 1);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    begin(h, 1, &view);
    expect_round(&view, 1, 499);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

static void g4_the_end_of_a_view_kept_too_long_says_stale(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view;
    uint64_t now = clock_tick();
    put_at(instance, 1, 1, 10, now);
    h = client_open(instance);
    begin(h, 1, &view);
    put_at(instance, 1, 2, 10, now);
    put_at(instance, 2, 1, 10, now + KEEP_MS);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_STALE);
    begin(h, 1, &view);
    expect_round(&view, 1, 2);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

static void a_view_is_stale_even_when_the_same_hosts_are_there_again(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view;
    uint64_t now = clock_tick();
    put_at(instance, 1, 1, 10, now);
    h = client_open(instance);
    begin(h, 1, &view);
    put_at(instance, 1, 2, 10, now);
    put_at(instance, 1, 1, 10, now + KEEP_MS);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_STALE);
    larshm_close(h);
}

static void a_refresh_with_the_same_hosts_disturbs_no_view(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view, other;
    uint64_t now = clock_tick();
    put_at(instance, 1, 1, 10, now);
    h = client_open(instance);
    begin(h, 1, &view);
    put_at(instance, 1, 1, 10, now + KEEP_MS);
    begin(h, 1, &other);
    assert_true(other.version == view.version);
    assert_int_equal(larshm_route_end(h, &other), LARSHM_OK);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

static void views_nest_and_end_in_any_order(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view views[40];
    for (uint32_t key = 0; key < 40; key++)
        instance_put(instance, key, key, key + 1, 15);
    h = client_open(instance);
    for (uint32_t key = 0; key < 40; key++)
        begin(h, key, &views[key]);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t key = i * 7 % 40;
        assert_int_equal(views[key].count, key + 1);
        expect_round(&views[key], key, key);
        assert_int_equal(larshm_route_end(h, &views[key]), LARSHM_OK);
    }
    larshm_close(h);
}

static void a_failed_begin_leaves_no_view(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view = {.count = 77};
    instance_put(instance, 2, 1, 0, 15);
    h = client_open(instance);
    assert_int_equal(larshm_route_begin(h, 0, 1, &view), LARSHM_PENDING);
    assert_int_equal(larshm_route_begin(h, 0, 2, &view), LARSHM_NOEXIST);
    assert_int_equal(view.count, 77);
    instance_renew(instance);
    larshm_route_begin(h, 0, 1, &view);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

/* A view of route 1 in a generation that has been replaced. */
static void begin_in_old_generation(struct instance *instance, larshm **h, larshm_view *view)
{
    larshm_host host;
    instance_put(instance, 1, 1, 10, 15);
    *h = client_open(instance);
    begin(*h, 1, view);
    instance_renew(instance);
    instance_put(instance, 1, 2, 10, 15);
    assert_int_equal(larshm_get_host(*h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 2);
    expect_round(view, 1, 1);
}

static void a_view_keeps_its_generation_mapped_until_it_ends(void **state)
{
    struct instance *instance = *state;
    larshm *h;
    larshm_view view;
    begin_in_old_generation(instance, &h, &view);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
    assert_int_equal(instance_reader_mappings(instance), 0);
}

/* As often as it takes to be on the fast path, and past the end of several batches of counts. */
static void g3_views_show_what_was_published_before_them(void **state)
{
    enum {
        TURNS = 2000,
        ROUTES = 60
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        larshm_view view;
        uint64_t key = 1 + turn % ROUTES;
        if (turn < ROUTES || turn % 3 == 0)
            instance_put(instance, key, turn, (uint32_t)key, 15);
        if (turn % 500 == 0)
            instance_renew(instance);
        if (turn == TURNS / 2) /* all have expired */
            instance_heartbeat(instance, clock_tick() + 3600 * 1000);
        if (turn < ROUTES)
            continue;
        uint32_t round = UINT32_MAX;
        begin(h, key, &view);
        assert_int_equal(view.count, key);
        for (uint32_t i = 0; i < view.count; i++)
            assert_true(self_checking_holds(key, i, (struct host_addr){view.addr[i], view.port[i]}, &round));
        assert_true(turn % 3 != 0 || round == turn);
        assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
        assert_int_equal(instance_reader_mappings(instance), 1);
    }
    larshm_close(h);
}

struct ending {
    larshm *h;
    larshm_view *view;
    int code;
};

static void *end_view(void *context)
{
    struct ending *ending = context;
    ending->code = larshm_route_end(ending->h, ending->view);
    return NULL;
}

static int end_in_another_thread(larshm *h, larshm_view *view)
{
    struct ending ending = {h, view, -1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_view, &ending), 0);
    pthread_join(thread, NULL);
    return ending.code;
}

static void a_view_may_end_in_another_thread(void **state)
{
    struct instance *instance = *state;
    larshm *h;
    larshm_view view;
    begin_in_old_generation(instance, &h, &view);
    assert_int_equal(end_in_another_thread(h, &view), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

/* A lookup in a handler of a signal that interrupted another one cannot wait for that one, so it leaves a mapping behind. */
static void a_mapping_left_behind_is_unmapped_by_later_lookups(void **state)
{
    struct instance *instance = *state;
    larshm *h;
    larshm_view view;
    larshm_host host;
    begin_in_old_generation(instance, &h, &view);
    rcu_enter();
    instance_renew(instance);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 2);
    rcu_leave();
    eventually(larshm_get_host(h, 0, 1, &host) == LARSHM_OK && instance_reader_mappings(instance) == 1);
    larshm_close(h);
}

static void a_view_kept_over_many_generations_keeps_one_of_them(void **state)
{
    struct instance *instance = *state;
    larshm *h;
    larshm_view view;
    larshm_host host;
    begin_in_old_generation(instance, &h, &view);
    for (int i = 0; i < 20; i++) {
        instance_renew(instance);
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        assert_int_equal(instance_reader_mappings(instance), 2);
    }
    expect_round(&view, 1, 1);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

static void g5_a_view_survives_the_fetcher(void **state)
{
    struct instance *instance = *state;
    larshm *h;
    larshm_view view;
    begin_in_old_generation(instance, &h, &view);
    instance_stop(instance);
    instance_start(instance);
    instance_stop(instance);
    expect_round(&view, 1, 1);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

static void a_view_says_who_is_in_rotation_ejected_or_drained_now(void **state)
{
    struct instance *instance = *state;
    larshm_view view;
    larshm *h = client_open(instance);
    put_at(instance, 1, 1, 40, clock_tick());
    const struct route_ref route = writer_find(instance->writer, numbered_key(1));
    writer_set_share(instance->writer, &route, 7, SHARE_EJECTED);
    writer_set_share(instance->writer, &route, 39, SHARE_DRAINED);
    begin(h, 1, &view);
    writer_set_share(instance->writer, &route, 16, SHARE_EJECTED);
    writer_set_share(instance->writer, &route, 17, 3); /* eighths */
    writer_set_share(instance->writer, &route, 18, SHARE_DRAINED - 1);
    for (size_t i = 0; i < view.count; i++)
        assert_int_equal(larshm_view_state(&view, i), i == 7 || i == 16 || i == 18 ? LARSHM_HOST_EJECTED
                                                      : i == 39                    ? LARSHM_HOST_DRAINED
                                                                                   : LARSHM_HOST_IN_ROTATION);
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(g4_a_view_stays_as_it_was_within_grace),
        TEST(g4_the_end_of_a_view_kept_too_long_says_stale),
        TEST(a_view_is_stale_even_when_the_same_hosts_are_there_again),
        TEST(a_refresh_with_the_same_hosts_disturbs_no_view),
        TEST(views_nest_and_end_in_any_order),
        TEST(a_failed_begin_leaves_no_view),
        TEST(a_view_keeps_its_generation_mapped_until_it_ends),
        TEST(g3_views_show_what_was_published_before_them),
        TEST(a_view_may_end_in_another_thread),
        TEST(a_mapping_left_behind_is_unmapped_by_later_lookups),
        TEST(a_view_kept_over_many_generations_keeps_one_of_them),
        TEST(g5_a_view_survives_the_fetcher),
        TEST(a_view_says_who_is_in_rotation_ejected_or_drained_now),
    };
    return cmocka_run_group_tests_name("unit/reader/view", tests, NULL, NULL);
}
