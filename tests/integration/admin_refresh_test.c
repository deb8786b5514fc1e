/* SPDX-License-Identifier: MIT */
/* The command "refresh" at a real fetcher's admin socket: what operators are told, and when. */
#include <string.h>
#include <unistd.h>

#include "tests/support/admin.h"
#include "tests/support/fixture.h"

enum {
    PEERS = 100
};

static int ask(const struct fixture *fixture)
{
    int fd = admin_connect(&fixture->fetcher);
    assert_true(admin_send(fd, "{\"version\":1,\"command\":\"refresh\",\"modid\":7,\"cmdid\":7}\n"));
    return fd;
}

static void expect_answer(int fd, const char *result, int hosts, int added, int removed)
{
    json_t *answer = admin_receive(fd);
    assert_string_equal(json_string_value(json_object_get(answer, "result")), result);
    assert_int_equal(json_integer_value(json_object_get(answer, "hosts")), hosts);
    assert_int_equal(json_integer_value(json_object_get(answer, "added")), added);
    assert_int_equal(json_integer_value(json_object_get(answer, "removed")), removed);
    json_decref(answer);
    close(fd);
}

/* The hosts of the good route are 10.0.0.1 to 10.0.0.4. */
static void operator_is_told_how_the_answer_differs_and_finds_it_published(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host hosts[] = {wire_host(4, 7000), wire_host(5, 7000), wire_host(6, 7000)};
    fixture_connect_with_good_route(fixture);
    int fd = ask(fixture);
    directory_expect(&fixture->directory, 7, 7);
    directory_answer(&fixture->directory, 7, 7, hosts, 3);
    expect_answer(fd, "changed", 3, 2, 3);
    assert_int_equal(fixture_info(fixture, 7, 7).hosts, 3);
}

static void answer_that_is_held_back_is_told_as_such(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.empty_hold = 600;
    fixture_connect_with_good_route(fixture);
    int fd = ask(fixture);
    directory_expect(&fixture->directory, 7, 7);
    directory_deny(&fixture->directory, 7, 7);
    expect_answer(fd, "held", 0, 0, 4);
    assert_true(fixture_serves_good_route(fixture));
}

static void operators_who_ask_at_once_cause_one_request_and_those_who_leave_hinder_no_other(void **state)
{
    struct fixture *fixture = *state;
    int fds[PEERS];
    fixture_connect_with_good_route(fixture);
    for (int i = 0; i < PEERS; i++)
        fds[i] = ask(fixture);
    directory_expect(&fixture->directory, 7, 7);
    for (int i = 0; i < PEERS; i += 2)
        close(fds[i]);
    directory_expect_nothing(&fixture->directory, 100);
    fixture_answer(fixture, 7, 7, 4, 7000);
    for (int i = 1; i < PEERS; i += 2)
        expect_answer(fds[i], "unchanged", 4, 0, 0);
}

static void connection_that_ends_before_the_answer_is_told_and_so_is_one_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    int fd = ask(fixture);
    directory_expect(&fixture->directory, 7, 7);
    directory_refuse(&fixture->directory);
    assert_string_equal(admin_code(fd), "not_connected");
    assert_true(admin_send(fd, "{\"version\":1,\"command\":\"refresh\",\"modid\":7,\"cmdid\":7}\n"));
    assert_string_equal(admin_code(fd), "not_connected");
    close(fd);
    assert_true(fixture_serves_good_route(fixture));
}

static void fetcher_that_stops_has_no_operator_wait(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    int fd = ask(fixture);
    directory_expect(&fixture->directory, 7, 7);
    fetcher_stop(&fixture->fetcher);
    assert_string_equal(admin_code(fd), "ended");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(operator_is_told_how_the_answer_differs_and_finds_it_published),
        fixture_test(answer_that_is_held_back_is_told_as_such),
        fixture_test(operators_who_ask_at_once_cause_one_request_and_those_who_leave_hinder_no_other),
        fixture_test(connection_that_ends_before_the_answer_is_told_and_so_is_one_that_is_not_there),
        fixture_test(fetcher_that_stops_has_no_operator_wait),
    };
    return cmocka_run_group_tests_name("integration/admin_refresh", tests, NULL, NULL);
}
