/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/index.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEYS = 500,
    LISTERS = 3,
    ROUNDS = 60,
};

/* How often each of the keys 1 .. KEYS is in a list; true: each is at least `least` times and at most once, and no other is. */
static bool list_holds(larshm *h, unsigned least)
{
    unsigned char seen[KEYS + 1] = {0};
    larshm_routes all;
    uint32_t modid, cmdid;
    bool right = larshm_routes_begin(h, &all) == LARSHM_OK;
    while (larshm_routes_next(&all, &modid, &cmdid) == LARSHM_OK)
        if (modid != 0 || cmdid == 0 || cmdid > KEYS || seen[cmdid]++)
            right = false;
    right = right && larshm_routes_next(&all, &modid, &cmdid) == LARSHM_END;
    larshm_routes_end(h, &all);
    for (int key = 1; key <= KEYS; key++)
        right = right && seen[key] >= least;
    return right;
}

static uint32_t count_routes(larshm_routes *all)
{
    uint32_t count = 0, modid, cmdid;
    while (larshm_routes_next(all, &modid, &cmdid) == LARSHM_OK)
        count++;
    return count;
}

static void each_cached_route_is_listed_once_also_one_that_does_not_exist(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put_keys(instance, KEYS, 1); /* each ninth has no hosts */
    assert_true(list_holds(h, 1));
    larshm_close(h);
}

static void an_instance_without_routes_has_an_empty_list(void **state)
{
    larshm *h = client_open(*state);
    larshm_routes all;
    assert_int_equal(larshm_routes_begin(h, &all), LARSHM_OK);
    assert_int_equal(count_routes(&all), 0);
    larshm_routes_end(h, &all);
    larshm_close(h);
}

static void g3_a_list_is_of_the_newest_generation_at_its_beginning(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put_keys(instance, KEYS, 1);
    for (int i = 0; i < 3; i++) {
        instance_renew(instance);
        assert_true(list_holds(h, 1));
        assert_int_equal(instance_reader_mappings(instance), 1);
    }
    larshm_close(h);
}

static void a_list_keeps_its_generation_mapped_until_it_ends(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_routes all;
    larshm_host host;
    instance_put_keys(instance, KEYS, 1);
    assert_int_equal(larshm_routes_begin(h, &all), LARSHM_OK);
    for (int i = 0; i < 5; i++) {
        instance_renew(instance);
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        assert_int_equal(instance_reader_mappings(instance), 2);
    }
    instance_stop(instance);
    assert_int_equal(count_routes(&all), KEYS);
    larshm_routes_end(h, &all);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

static void a_list_that_has_ended_is_empty_and_may_end_again(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_routes all;
    instance_put_keys(instance, KEYS, 1);
    assert_int_equal(larshm_routes_begin(h, &all), LARSHM_OK);
    larshm_routes_end(h, &all);
    assert_int_equal(count_routes(&all), 0);
    larshm_routes_end(h, &all);
    instance_renew(instance);
    assert_true(list_holds(h, 1));
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

static void a_list_requests_nothing(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put_keys(instance, KEYS, 1);
    instance_heartbeat(instance, UINT64_MAX / 4); /* all have expired */
    assert_true(list_holds(h, 1));
    assert_int_equal(instance_flagged(instance).count, 0);
    assert_int_equal(instance_missed(instance).count, 0);
    larshm_close(h);
}

/* What no fetcher writes: a ref to nowhere, to another route's table, and beyond the arena; a key without a table. */
static void slots_that_are_damaged_are_left_out(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    struct region region;
    struct routes routes;
    uint32_t slot = 0;
    instance_put_keys(instance, KEYS, 1);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    const uint64_t other = load_relaxed(&routes_slot(&routes, index_find(&routes, route_key(0, 9)))->ref);
    const uint64_t refs[] = {0, other, UINT64_MAX, ref_make(1, 0), ref_make(7, routes.arena_units)};
    const uint32_t damaged = sizeof(refs) / sizeof(*refs);
    for (uint32_t i = 0; i < damaged; i++)
        store_relaxed(&routes_slot(&routes, index_find(&routes, route_key(0, 10 + i)))->ref, refs[i]);
    for (; load_relaxed(&routes_slot(&routes, slot)->key) != 0; slot++)
        ;
    store_relaxed(&routes_slot(&routes, slot)->key, route_key_word(route_key(77, 77)));
    larshm_routes all;
    assert_int_equal(larshm_routes_begin(h, &all), LARSHM_OK);
    assert_int_equal(count_routes(&all), KEYS - damaged);
    larshm_routes_end(h, &all);
    region_close(&region);
    larshm_close(h);
}

static void after_a_fork_parent_and_child_each_end_theirs(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_routes all;
    uint32_t modid, cmdid;
    int status;
    instance_put_keys(instance, KEYS, 1);
    assert_int_equal(larshm_routes_begin(h, &all), LARSHM_OK);
    for (int i = 0; i < KEYS / 2; i++)
        assert_int_equal(larshm_routes_next(&all, &modid, &cmdid), LARSHM_OK);
    pid_t pid = fork();
    if (pid == 0) {
        bool right = count_routes(&all) == KEYS - KEYS / 2;
        larshm_routes_end(h, &all);
        _exit(right && list_holds(h, 1) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_routes(&all), KEYS - KEYS / 2);
    larshm_routes_end(h, &all);
    larshm_close(h);
}

struct listing {
    larshm *h;
    _Atomic bool stop;
    _Atomic uint32_t lists, wrong;
};

static void *list_while_it_changes(void *context)
{
    struct listing *listing = context;
    while (!listing->stop) {
        listing->wrong += !list_holds(listing->h, 1);
        listing->lists++;
    }
    return NULL;
}

static void g2_g3_lists_are_whole_while_tables_and_generations_are_replaced(void **state)
{
    struct instance *instance = *state;
    struct listing listing = {0};
    pthread_t threads[LISTERS];
    instance->options.settings.grace_ms = 5;
    instance_stop(instance);
    instance_start(instance);
    instance_put_keys(instance, KEYS, 0);
    listing.h = client_open(instance);
    for (int i = 0; i < LISTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, list_while_it_changes, &listing), 0);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        instance_put_keys(instance, KEYS, round);
        if (round % 3 == 0)
            instance_renew(instance);
        for (uint32_t seen = listing.lists; listing.lists < seen + LISTERS;)
            sched_yield();
    }
    listing.stop = true;
    for (int i = 0; i < LISTERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(listing.lists > ROUNDS);
    assert_int_equal(listing.wrong, 0);
    larshm_close(listing.h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_cached_route_is_listed_once_also_one_that_does_not_exist),
        TEST(an_instance_without_routes_has_an_empty_list),
        TEST(g3_a_list_is_of_the_newest_generation_at_its_beginning),
        TEST(a_list_keeps_its_generation_mapped_until_it_ends),
        TEST(a_list_that_has_ended_is_empty_and_may_end_again),
        TEST(a_list_requests_nothing),
        TEST(slots_that_are_damaged_are_left_out),
        TEST(after_a_fork_parent_and_child_each_end_theirs),
        TEST(g2_g3_lists_are_whole_while_tables_and_generations_are_replaced),
    };
    return cmocka_run_group_tests_name("unit/reader/list_routes", tests, NULL, NULL);
}
