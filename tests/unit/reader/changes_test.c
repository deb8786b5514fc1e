/* SPDX-License-Identifier: MIT */
#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void expect_end(larshm *h, uint64_t *since)
{
    uint32_t modid = 99, cmdid = 99;
    assert_int_equal(larshm_next_change(h, since, &modid, &cmdid), LARSHM_END);
    assert_true(modid == 99 && cmdid == 99);
}

static void expect_overrun(larshm *h, uint64_t *since)
{
    uint32_t modid = 99, cmdid = 99;
    assert_int_equal(larshm_next_change(h, since, &modid, &cmdid), LARSHM_OVERRUN);
    assert_true(modid == 99 && cmdid == 99);
}

static void expect_change(larshm *h, uint64_t *since, uint32_t key)
{
    uint32_t modid, cmdid;
    assert_int_equal(larshm_next_change(h, since, &modid, &cmdid), LARSHM_OK);
    assert_int_equal(modid, 0);
    assert_int_equal(cmdid, key);
}

static void first_call_says_to_look_at_all_routes(void **state)
{
    struct instance *instance = *state;
    uint64_t since = 0;
    instance_put(instance, 1, 1, 4, 15);
    larshm *h = client_open(instance);
    expect_overrun(h, &since);
    expect_end(h, &since);
    larshm_close(h);
}

static void first_answers_and_other_hosts_are_changes_and_refreshes_are_none(void **state)
{
    struct instance *instance = *state;
    uint64_t since = 0;
    larshm *h = client_open(instance);
    expect_overrun(h, &since);
    instance_put(instance, 1, 1, 4, 15);
    instance_put(instance, 2, 1, 0, 15);
    expect_change(h, &since, 1);
    expect_change(h, &since, 2);
    expect_end(h, &since);
    for (uint32_t again = 0; again < 3; again++) {
        instance_put(instance, 1, 1, 4, 15 + again);
        instance_put(instance, 2, 1, 0, 15 + again);
        instance_heartbeat(instance, clock_tick());
    }
    expect_end(h, &since);
    instance_put(instance, 2, 1, 1, 15);
    instance_put(instance, 1, 2, 4, 15);
    instance_put(instance, 1, 2, 0, 15);
    expect_change(h, &since, 2);
    expect_change(h, &since, 1);
    expect_change(h, &since, 1);
    expect_end(h, &since);
    larshm_close(h);
}

static void set_share(struct instance *instance, uint32_t share)
{
    const struct route_ref route = writer_find(instance->writer, numbered_key(1));
    writer_set_share(instance->writer, &route, 0, share);
}

static void host_that_leaves_rotation_or_returns_is_a_change_and_parts_of_its_share_are_none(void **state)
{
    static const uint32_t shares[] = {SHARE_EJECTED, SHARE_DRAINED, SHARE_EJECTED, 7,
                                      SHARE_DRAINED, SHARE_FULL};
    struct instance *instance = *state;
    uint64_t since = 0;
    larshm *h = client_open(instance);
    instance_put(instance, 1, 1, 4, 15);
    expect_overrun(h, &since);
    for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
        set_share(instance, shares[i]);
        set_share(instance, shares[i]);
        expect_change(h, &since, 1);
        expect_end(h, &since);
    }
    for (uint32_t eighths = 7; eighths > 0; eighths--)
        set_share(instance, eighths);
    set_share(instance, SHARE_FULL);
    expect_end(h, &since);
    larshm_close(h);
}

static void g13_positions_go_on_in_the_next_generation_and_with_the_next_fetcher(void **state)
{
    struct instance *instance = *state;
    uint64_t since = 0;
    larshm *h = client_open(instance);
    expect_overrun(h, &since);
    instance_put_keys(instance, 3, 1);
    expect_change(h, &since, 1);
    instance_renew(instance);
    instance_put(instance, 4, 1, 4, 15);
    expect_change(h, &since, 2);
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 5, 1, 4, 15);
    expect_change(h, &since, 3);
    expect_change(h, &since, 4);
    /* The fetcher may have died during one more: see the ring of the next. Nothing was under way. */
    expect_change(h, &since, 5);
    expect_end(h, &since);
    larshm_close(h);
}

static void g13_positions_of_an_instance_that_was_removed_are_overrun(void **state)
{
    struct instance *instance = *state;
    uint64_t since = 0;
    larshm *h = client_open(instance);
    expect_overrun(h, &since);
    instance_put_keys(instance, 3, 1);
    larshm_close(h);
    for (int again = 0; again < 3; again++) {
        uint64_t old = since;
        instance_teardown(state);
        instance_setup(state);
        instance = *state;
        instance_put_keys(instance, 100, 1);
        h = client_open(instance);
        expect_overrun(h, &old);
        larshm_close(h);
    }
}

static void g13_object_that_no_doorbell_tells_of_is_found_by_listing_alone(void **state)
{
    struct instance *instance = *state;
    uint64_t since = 0;
    uint32_t modid, cmdid;
    larshm *h = client_open(instance);
    expect_overrun(h, &since);
    expect_end(h, &since);
    instance_replace_by_hand(instance);
    eventually(larshm_next_change(h, &since, &modid, &cmdid) == LARSHM_OVERRUN);
    instance_put(instance, 1, 1, 4, 15);
    expect_change(h, &since, 1);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(first_call_says_to_look_at_all_routes),
        TEST(first_answers_and_other_hosts_are_changes_and_refreshes_are_none),
        TEST(host_that_leaves_rotation_or_returns_is_a_change_and_parts_of_its_share_are_none),
        TEST(g13_positions_go_on_in_the_next_generation_and_with_the_next_fetcher),
        TEST(g13_object_that_no_doorbell_tells_of_is_found_by_listing_alone),
        TEST(g13_positions_of_an_instance_that_was_removed_are_overrun),
    };
    return cmocka_run_group_tests_name("unit/reader/changes", tests, NULL, NULL);
}
