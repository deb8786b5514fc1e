/* SPDX-License-Identifier: MIT */
/* [fetcher] empty_hold: an answer that would empty a route is not believed at once. */
#include <signal.h>
#include <sys/mman.h>

#include "tests/support/fixture.h"

enum {
    HOLD_S = 1,
    HOLD_MS = HOLD_S * 1000,
    LONG_S = 3600,
    SOON_MS = 100,
    QUIET_MS = 300,
};

static bool held(struct scene *scene)
{
    return fetcher_shows_held(&scene->fetcher, route_key(7, 7)) &&
           fetcher_counter(&scene->fetcher, COUNTER_held) == 1;
}

static bool gone(struct scene *scene)
{
    return scene_lookup(scene, 7, 7) == LARSHM_NOEXIST;
}

/* Route 7/7 with four hosts, and an answer without any; returns when that was given. */
static uint64_t begin_hold(struct scene *scene, unsigned empty_hold)
{
    scene->fetcher.config.empty_hold = empty_hold;
    scene_connect_with_good_route(scene);
    uint64_t when = clock_tick();
    directory_deny(&scene->directory, 7, 7);
    eventually(held(scene) || gone(scene));
    return when;
}

static void expect_not_held(struct scene *scene)
{
    assert_false(fetcher_shows_held(&scene->fetcher, route_key(7, 7)));
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_held), 0);
}

static void reload(struct scene *scene)
{
    fetcher_configure(&scene->fetcher);
    process_signal(&scene->fetcher.process, SIGHUP);
}

static void empty_answer_ends_a_route_at_once_unless_told_otherwise(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, 0);
    assert_true(gone(scene));
    expect_not_held(scene);
}

static void empty_answer_is_held_back_shown_and_served_around(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, LONG_S);
    assert_true(held(scene));
    assert_false(scene_info(scene, 7, 7).pulling);
    throughout(QUIET_MS, scene_serves_good_route(scene));
    assert_int_equal(process_said(&scene->fetcher.process, "route 7/7: an answer without hosts is held back"),
                     1);
}

static void empty_answer_for_a_route_without_hosts_is_not_held(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.empty_hold = LONG_S;
    scene_connect(scene);
    assert_int_equal(scene_lookup(scene, 7, 7), LARSHM_PENDING);
    directory_expect(&scene->directory, 7, 7);
    for (int i = 0; i < 2; i++) {
        directory_deny(&scene->directory, 7, 7);
        eventually(fetcher_counter(&scene->fetcher, COUNTER_answers) > (uint64_t)i);
        assert_true(gone(scene));
        expect_not_held(scene);
    }
}

static void answer_with_hosts_ends_the_hold_for_good(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, HOLD_S);
    scene_answer(scene, 7, 7, 2, 81);
    eventually(scene_serves(scene, 7, 7, 2, 81));
    expect_not_held(scene);
    throughout(HOLD_MS + SOON_MS, scene_serves(scene, 7, 7, 2, 81));
}

static void same_hosts_again_end_the_hold_as_well(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, LONG_S);
    scene_answer(scene, 7, 7, 4, 7000);
    eventually(!held(scene));
    expect_not_held(scene);
    assert_true(scene_serves_good_route(scene));
}

static void route_is_gone_when_the_time_is_over_whatever_empty_answers_come_meanwhile(void **state)
{
    struct scene *scene = *state;
    uint64_t begun = begin_hold(scene, HOLD_S);
    uint64_t deadline = begun + PATIENCE_MS;
    while (!gone(scene)) {
        assert_true(clock_tick() < deadline);
        directory_deny(&scene->directory, 7, 7);
        pause_ms(SOON_MS);
    }
    assert_true(clock_tick() >= begun + HOLD_MS);
    expect_not_held(scene);
    assert_int_equal(process_said(&scene->fetcher.process, "route 7/7: no hosts came while"), 1);
    scene_answer(scene, 7, 7, 2, 81);
    eventually(scene_serves(scene, 7, 7, 2, 81));
}

/* A table that is not confirmed looks older and older; that must not make a request out of each lookup. */
static void held_route_is_asked_for_once_per_update_timeout(void **state)
{
    struct scene *scene = *state;
    uint64_t key;
    scene->fetcher.config.update_timeout = 1;
    uint64_t answered = begin_hold(scene, LONG_S);
    for (int round = 0; round < 2; round++) {
        scene_lookup_until_asked(scene, 7, 7);
        assert_true(clock_tick() >= answered + 1000);
        uint64_t answers = fetcher_counter(&scene->fetcher, COUNTER_answers);
        answered = clock_tick();
        directory_deny(&scene->directory, 7, 7);
        eventually(fetcher_counter(&scene->fetcher, COUNTER_answers) > answers);
        assert_false(scene_info(scene, 7, 7).pulling);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(scene_lookup(scene, 7, 7), LARSHM_OK);
        assert_false(directory_takes(&scene->directory, 10, &key));
    }
    assert_true(held(scene));
}

static void held_route_is_asked_for_after_a_reconnect(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, LONG_S);
    directory_reset(&scene->directory);
    directory_accept(&scene->directory);
    directory_expect(&scene->directory, 7, 7);
    assert_true(held(scene));
    scene_answer(scene, 7, 7, 2, 81);
    eventually(scene_serves(scene, 7, 7, 2, 81));
    expect_not_held(scene);
}

static void hold_is_kept_in_a_new_generation(void **state)
{
    struct scene *scene = *state;
    uint64_t generation;
    begin_hold(scene, LONG_S);
    generation = fetcher_generation(&scene->fetcher);
    assert_int_equal(shm_unlink(scene->fetcher.names.routes), 0);
    eventually(fetcher_generation(&scene->fetcher) > generation);
    assert_true(held(scene));
    scene_answer(scene, 7, 7, 2, 81);
    eventually(scene_serves(scene, 7, 7, 2, 81));
    expect_not_held(scene);
}

static void fetcher_that_starts_asks_again_and_holds_nothing(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, LONG_S);
    process_kill(&scene->fetcher.process);
    scene_start(scene);
    expect_not_held(scene);
    assert_true(scene_serves_good_route(scene));
    directory_accept(&scene->directory);
    directory_expect(&scene->directory, 7, 7);
    directory_deny(&scene->directory, 7, 7);
    eventually(held(scene));
}

static void reload_without_a_hold_ends_every_one(void **state)
{
    struct scene *scene = *state;
    begin_hold(scene, LONG_S);
    scene->fetcher.config.empty_hold = 0;
    reload(scene);
    eventually(gone(scene));
    expect_not_held(scene);
}

static void reload_changes_how_long_is_held(void **state)
{
    struct scene *scene = *state;
    uint64_t begun = begin_hold(scene, LONG_S);
    scene->fetcher.config.empty_hold = HOLD_S;
    reload(scene);
    eventually(gone(scene));
    assert_true(clock_tick() >= begun + HOLD_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(empty_answer_ends_a_route_at_once_unless_told_otherwise),
        scene_test(empty_answer_is_held_back_shown_and_served_around),
        scene_test(empty_answer_for_a_route_without_hosts_is_not_held),
        scene_test(answer_with_hosts_ends_the_hold_for_good),
        scene_test(same_hosts_again_end_the_hold_as_well),
        scene_test(route_is_gone_when_the_time_is_over_whatever_empty_answers_come_meanwhile),
        scene_test(held_route_is_asked_for_once_per_update_timeout),
        scene_test(held_route_is_asked_for_after_a_reconnect),
        scene_test(hold_is_kept_in_a_new_generation),
        scene_test(fetcher_that_starts_asks_again_and_holds_nothing),
        scene_test(reload_without_a_hold_ends_every_one),
        scene_test(reload_changes_how_long_is_held),
    };
    return cmocka_run_group_tests_name("integration/hold", tests, NULL, NULL);
}
