/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/servers.h"

enum {
    FLEET = 10000,
    COUNT = 4,
    NOW = 1000000,
    AFTER_MS = 900000,
};

static struct config_servers names(unsigned count)
{
    struct config_servers list = {.count = count};
    for (unsigned i = 0; i < count; i++) {
        snprintf(list.list[i].ip, sizeof(list.list[i].ip), "dns-%u.example", i);
        list.list[i].port = 7778;
    }
    return list;
}

static void start(struct servers *servers, unsigned count, uint64_t identity)
{
    const struct config_servers list = names(count);
    memset(servers, 0, sizeof(*servers));
    assert_false(servers_set(servers, &list, identity));
}

/* The number in the name of the one in use. */
static unsigned in_use(const struct servers *servers)
{
    unsigned number;
    assert_int_equal(sscanf(servers_peer(servers)->ip, "dns-%u.", &number), 1);
    return number;
}

static void expect_even(const unsigned *machines, unsigned count, unsigned all)
{
    for (unsigned i = 0; i < count; i++)
        if (machines[i])
            assert_in_range(machines[i], all / count * 9 / 10, all / count * 11 / 10);
}

static void fleet_begins_evenly_spread_and_stays_so_when_a_server_fails(void **state)
{
    (void)state;
    unsigned first[COUNT] = {0}, second[COUNT] = {0}, of_one = 0;
    for (uint64_t machine = 0; machine < FLEET; machine++) {
        struct servers servers;
        start(&servers, COUNT, machine);
        unsigned at = in_use(&servers);
        first[at]++;
        servers_failed(&servers, "gone");
        assert_int_not_equal(in_use(&servers), at);
        second[in_use(&servers)] += at == 0;
        of_one += at == 0;
    }
    expect_even(first, COUNT, FLEET);
    assert_int_equal(second[0], 0);
    expect_even(second + 1, COUNT - 1, of_one);
}

static void identity_is_that_of_machine_and_instance(void **state)
{
    (void)state;
    assert_int_equal(servers_identity("one"), servers_identity("one"));
    assert_int_not_equal(servers_identity("one"), servers_identity("other"));
}

static void each_server_is_tried_before_any_is_tried_again(void **state)
{
    (void)state;
    struct servers servers;
    start(&servers, COUNT, 7);
    unsigned before = in_use(&servers), seen = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        seen |= 1U << in_use(&servers);
        assert_int_equal(servers_address(&servers), 0);
        assert_int_equal(servers_failed(&servers, "refused"), 1);
    }
    assert_int_equal(seen, (1U << COUNT) - 1);
    assert_int_equal(in_use(&servers), before);
    assert_int_equal(servers_address(&servers), 1); /* the next one of its addresses */
    assert_int_equal(servers_failed(&servers, "refused"), 2);
}

static void one_server_is_tried_as_if_there_were_no_list(void **state)
{
    (void)state;
    struct servers servers;
    start(&servers, 1, 7);
    for (unsigned failed = 1; failed < 5; failed++) {
        assert_int_equal(servers_patience(&servers, NOW), PATIENCE_LONG);
        assert_int_equal(servers_failed(&servers, "refused"), failed);
        assert_int_equal(servers_address(&servers), failed);
    }
    servers_answered(&servers, NOW);
    assert_int_equal(servers_address(&servers), 0);
    assert_int_equal(servers_failed(&servers, "closed"), 1);
    assert_false(servers_return_due(&servers, AFTER_MS, NOW));
}

static void patience_is_long_when_all_have_failed_and_grows_with_changes(void **state)
{
    (void)state;
    struct servers servers;
    start(&servers, 2, 7);
    assert_int_equal(servers_patience(&servers, NOW), PATIENCE_SHORT);
    servers_failed(&servers, "no response");
    assert_int_equal(servers_patience(&servers, NOW), PATIENCE_SHORT);
    servers_failed(&servers, "no response");
    assert_int_equal(servers_patience(&servers, NOW), PATIENCE_LONG);
    servers_answered(&servers, NOW);
    assert_int_equal(servers_patience(&servers, NOW + SERVERS_PATIENT_MS - 1), PATIENCE_MEDIUM);
    assert_int_equal(servers_patience(&servers, NOW + SERVERS_PATIENT_MS), PATIENCE_SHORT);
    servers_answered(&servers, NOW + SERVERS_PATIENT_MS);
    assert_int_equal(servers_patience(&servers, NOW + SERVERS_PATIENT_MS), PATIENCE_SHORT);
}

static void patience_is_long_after_a_second_change_within_a_minute_and_short_after_a_quiet_one(void **state)
{
    (void)state;
    struct servers servers;
    start(&servers, 2, 7);
    for (unsigned change = 0; change < 3; change++) {
        servers_failed(&servers, "no response");
        servers_answered(&servers, NOW + change * (SERVERS_PATIENT_MS - 1));
    }
    const uint64_t last = NOW + UINT64_C(2) * (SERVERS_PATIENT_MS - 1);
    assert_int_equal(servers_patience(&servers, last + SERVERS_PATIENT_MS - 1), PATIENCE_LONG);
    assert_int_equal(servers_patience(&servers, last + SERVERS_PATIENT_MS), PATIENCE_SHORT);
    servers_failed(&servers, "no response");
    servers_answered(&servers, last + SERVERS_PATIENT_MS);
    assert_int_equal(servers_patience(&servers, last + SERVERS_PATIENT_MS), PATIENCE_MEDIUM);
}

static void machines_return_to_their_own_server_at_different_times(void **state)
{
    (void)state;
    uint64_t earliest = UINT64_MAX, latest = 0;
    for (int i = 0; i < 200; i++) {
        struct servers servers;
        start(&servers, 2, (uint64_t)i);
        unsigned own = in_use(&servers);
        assert_false(servers_return_due(&servers, AFTER_MS, NOW));
        servers_failed(&servers, "gone");
        servers_connected(&servers);
        assert_false(servers_return_due(&servers, AFTER_MS, NOW));
        uint64_t after = servers.return_at - NOW;
        assert_in_range(after, AFTER_MS / 2, AFTER_MS);
        earliest = after < earliest ? after : earliest;
        latest = after > latest ? after : latest;
        assert_false(servers_return_due(&servers, AFTER_MS, NOW + after - 1));
        assert_true(servers_return_due(&servers, AFTER_MS, NOW + after));
        assert_false(servers_return_due(&servers, 0, NOW + after));
        servers_return(&servers);
        assert_int_equal(in_use(&servers), own);
        assert_false(servers_return_due(&servers, AFTER_MS, NOW + 2 * after));
    }
    assert_true(latest - earliest > AFTER_MS / 4);
}

static void another_list_keeps_the_server_in_use_and_what_is_known(void **state)
{
    (void)state;
    struct servers servers;
    struct config_servers list = names(COUNT);
    start(&servers, COUNT, 7);
    servers_failed(&servers, "refused");
    unsigned before = in_use(&servers);
    servers_connected(&servers);
    servers_answered(&servers, NOW);
    list.list[0] = list.list[before];
    list.count = 1;
    assert_true(servers_set(&servers, &list, 7));
    assert_int_equal(in_use(&servers), before);
    assert_int_equal(servers.list[0].connects, 1);
    assert_int_equal(servers.list[0].answers, 1);
    list = names(COUNT);
    assert_true(servers_set(&servers, &list, 7));
    assert_int_equal(in_use(&servers), before);
    assert_int_equal(servers.count, COUNT);
    list.list[before] = list.list[--list.count];
    assert_false(servers_set(&servers, &list, 7));
    assert_int_not_equal(in_use(&servers), before);
    assert_int_equal(servers.at, 0);
}

static void newest_is_one_that_has_told_its_version_when_it_was_tried_last(void **state)
{
    (void)state;
    struct servers servers;
    uint64_t version;
    start(&servers, 3, 7);
    for (uint64_t told = 10; told > 7; told--) {
        servers_connected(&servers);
        servers_told(&servers, told);
        servers_failed(&servers, "behind");
    }
    assert_int_equal(servers_rounds(&servers), 1);
    servers_failed(&servers, "refused"); /* by now the first one, the newest, is away */
    assert_false(servers_use_newest(&servers, &version));
    assert_int_equal(servers.at, 1);
    assert_int_equal(version, 9);
    servers_connected(&servers);
    assert_false(servers_use_newest(&servers, &version)); /* it has not told otherwise yet */
    assert_int_equal(version, 9);
    servers_told(&servers, 6);
    assert_true(servers_use_newest(&servers, &version));
    assert_int_equal(servers.at, 2);
    assert_int_equal(version, 8);
    assert_false(servers_use_newest(&servers, &version));
}

static void statistics_say_what_became_of_each_server(void **state)
{
    (void)state;
    struct servers servers;
    char longer[2 * SERVER_ERROR_SIZE];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    start(&servers, 2, 7);
    servers_failed(&servers, "refused");
    servers_failed(&servers, longer);
    servers_failed(&servers, "timed out");
    assert_int_equal(servers.list[0].failures, 2);
    assert_string_equal(servers.list[0].error, "timed out");
    assert_int_equal(servers.list[1].failures, 1);
    assert_int_equal(strlen(servers.list[1].error), SERVER_ERROR_SIZE - 1);
    assert_int_equal(servers.list[1].connects, 0);
    servers_answered(&servers, NOW);
    assert_string_equal(servers.list[servers.at].error, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fleet_begins_evenly_spread_and_stays_so_when_a_server_fails),
        cmocka_unit_test(identity_is_that_of_machine_and_instance),
        cmocka_unit_test(each_server_is_tried_before_any_is_tried_again),
        cmocka_unit_test(one_server_is_tried_as_if_there_were_no_list),
        cmocka_unit_test(patience_is_long_when_all_have_failed_and_grows_with_changes),
        cmocka_unit_test(patience_is_long_after_a_second_change_within_a_minute_and_short_after_a_quiet_one),
        cmocka_unit_test(machines_return_to_their_own_server_at_different_times),
        cmocka_unit_test(another_list_keeps_the_server_in_use_and_what_is_known),
        cmocka_unit_test(newest_is_one_that_has_told_its_version_when_it_was_tried_last),
        cmocka_unit_test(statistics_say_what_became_of_each_server),
    };
    return cmocka_run_group_tests_name("unit/fetcher/servers", tests, NULL, NULL);
}
