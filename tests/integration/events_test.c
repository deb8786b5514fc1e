/* SPDX-License-Identifier: MIT */
/* An event loop beside a real fetcher: nothing in it blocks but poll(). */
#include <poll.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/rotation.h"

enum {
    REPEAT_MS = 1000, /* how often what is pending is looked up without an event */
};

/* What a program keeps. */
struct loop {
    struct fixture *fixture;
    int fd;
    uint64_t position;
    uint32_t overruns, listed; /* changes of the route that is of interest */
    struct route_key key;
};

static void begin(struct loop *loop, struct fixture *fixture, struct route_key key)
{
    *loop = (struct loop){.fixture = fixture, .key = key};
    assert_int_equal(larshm_change_fd(fixture->client, &loop->fd), LARSHM_OK);
}

static void list(struct loop *loop)
{
    struct route_key key;
    int code;
    while ((code = larshm_next_change(loop->fixture->client, &loop->position, &key.modid, &key.cmdid)) !=
           LARSHM_END) {
        loop->overruns += code == LARSHM_OVERRUN;
        loop->listed += code == LARSHM_OK && route_key_equal(key, loop->key);
    }
}

/* One turn: waits for an event, reads it, and lists what has changed. False: none came within the time. */
static bool turn(struct loop *loop, int timeout_ms)
{
    struct pollfd event = {.fd = loop->fd, .events = POLLIN};
    uint64_t events;
    bool came = poll(&event, 1, timeout_ms) == 1;
    if (came)
        assert_int_equal(read(loop->fd, &events, sizeof(events)), sizeof(events));
    list(loop);
    return came;
}

static int look(struct loop *loop)
{
    return fixture_lookup(loop->fixture, loop->key.modid, loop->key.cmdid);
}

/* Until the route is not pending any more, as larshm_change_fd() says. */
static int look_until_answered(struct loop *loop)
{
    int code;
    while ((code = look(loop)) == LARSHM_PENDING)
        turn(loop, REPEAT_MS);
    return code;
}

static void pending_route_comes_with_an_event_whatever_the_answer_is(void **state)
{
    struct fixture *fixture = *state;
    struct loop loop;
    fixture_connect(fixture);
    for (uint32_t cmdid = 1; cmdid <= 2; cmdid++) {
        begin(&loop, fixture, route_key(3, cmdid));
        assert_int_equal(look(&loop), LARSHM_PENDING);
        list(&loop);
        assert_int_equal(loop.overruns, 1);
        directory_expect(&fixture->directory, 3, cmdid);
        if (cmdid == 1)
            fixture_answer(fixture, 3, cmdid, 4, 8000);
        else
            directory_deny(&fixture->directory, 3, cmdid);
        assert_int_equal(look_until_answered(&loop), cmdid == 1 ? LARSHM_OK : LARSHM_NOEXIST);
        eventually((list(&loop), loop.listed == 1));
    }
}

static void refresh_is_no_event_and_other_hosts_are_one(void **state)
{
    struct fixture *fixture = *state;
    struct loop loop;
    fixture_connect_with_good_route(fixture);
    begin(&loop, fixture, route_key(7, 7));
    list(&loop);
    while (turn(&loop, 200))
        ;
    uint32_t before = loop.listed;
    uint64_t refreshes = fetcher_counter(&fixture->fetcher, COUNTER_refreshes);
    fixture_answer(fixture, 7, 7, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_refreshes) > refreshes);
    assert_false(turn(&loop, 200));
    assert_int_equal(loop.listed, before);
    fixture_answer(fixture, 7, 7, 5, 7000);
    assert_true(turn(&loop, EVENTUALLY_MS));
    assert_int_equal(loop.listed, before + 1);
    assert_int_equal(loop.overruns, 1);
}

static void ejection_and_recovery_are_events(void **state)
{
    struct fixture *fixture = *state;
    struct loop loop;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 3\n");
    begin(&loop, fixture, route_key(1, 1));
    list(&loop);
    rotation_eject(fixture, 1);
    eventually((turn(&loop, 10), loop.listed == 1));
    eventually((turn(&loop, 10), loop.listed == 2));
}

static void changes_go_on_where_a_killed_fetcher_is_followed_by_another(void **state)
{
    struct fixture *fixture = *state;
    struct loop loop;
    fixture_connect_with_good_route(fixture);
    begin(&loop, fixture, route_key(7, 7));
    list(&loop);
    uint32_t before = loop.listed;
    fixture_answer(fixture, 7, 7, 5, 7000);
    eventually(fixture_serves(fixture, 7, 7, 5, 7000));
    process_kill(&fixture->fetcher.process);
    while (turn(&loop, 0))
        ;
    fixture_start(fixture);
    assert_true(turn(&loop, EVENTUALLY_MS)); /* another generation: what is pending is looked up again */
    directory_accept(&fixture->directory);
    eventually((turn(&loop, 10), loop.listed > before));
    directory_expect(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 6, 7000);
    uint32_t listed = loop.listed;
    eventually((turn(&loop, 10), loop.listed > listed));
    assert_int_equal(loop.overruns, 1);
    assert_true(fixture_serves(fixture, 7, 7, 6, 7000));
}

static void request_that_died_with_its_fetcher_is_repeated_by_the_loop(void **state)
{
    struct fixture *fixture = *state;
    struct loop loop;
    fixture_connect(fixture);
    begin(&loop, fixture, route_key(3, 1));
    assert_int_equal(look(&loop), LARSHM_PENDING);
    directory_expect(&fixture->directory, 3, 1);
    process_kill(&fixture->fetcher.process);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
    do
        assert_int_equal(look(&loop), LARSHM_PENDING);
    while (!directory_takes(&fixture->directory, 0, &(struct route_key){0}) && (turn(&loop, 100), true));
    fixture_answer(fixture, 3, 1, 1, 8000);
    assert_int_equal(look_until_answered(&loop), LARSHM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(pending_route_comes_with_an_event_whatever_the_answer_is),
        fixture_test(refresh_is_no_event_and_other_hosts_are_one),
        fixture_test(ejection_and_recovery_are_events),
        fixture_test(changes_go_on_where_a_killed_fetcher_is_followed_by_another),
        fixture_test(request_that_died_with_its_fetcher_is_repeated_by_the_loop),
    };
    return cmocka_run_group_tests_name("integration/events", tests, NULL, NULL);
}
