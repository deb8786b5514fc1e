/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetcher/name_lookup.h"

struct result {
    unsigned calls;
    bool found;
    char error[256];
};

static void done(void *context, const char *error, struct addrinfo *list)
{
    struct result *result = context;
    result->calls++;
    result->found = list != NULL;
    strncpy(result->error, error ? error : "", sizeof(result->error) - 1);
    if (list)
        freeaddrinfo(list);
}

struct fixture {
    uv_loop_t loop;
    struct name_lookup *lookup;
    struct result result;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.lookup = NULL};
    *state = &fixture;
    return uv_loop_init(&fixture.loop);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    return uv_loop_close(&fixture->loop);
}

static void start(struct fixture *fixture, const char *host)
{
    struct config_peer peer = {.port = 80};
    strcpy(peer.ip, host);
    name_lookup_start(&fixture->lookup, &fixture->loop, &peer, done, &fixture->result);
}

static void an_address_is_there_at_once(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "127.0.0.1");
    assert_null(fixture->lookup);
    assert_int_equal(fixture->result.calls, 1);
    assert_true(fixture->result.found);
}

static void a_name_is_looked_up_while_the_loop_runs(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "localhost");
    assert_non_null(fixture->lookup);
    assert_int_equal(fixture->result.calls, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->result.calls, 1);
    assert_true(fixture->result.found);
}

static void a_name_that_is_none_is_an_error_with_a_reason(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "no name..");
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->result.calls, 1);
    assert_false(fixture->result.found);
    assert_true(*fixture->result.error);
}

static void what_is_abandoned_calls_nothing_and_leaks_nothing(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "localhost");
    name_lookup_abandon(fixture->lookup);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->result.calls, 0);
    name_lookup_abandon(NULL);
}

/* In a child, as an ordinary user: the limit is not for root. */
static bool named_without_threads(struct fixture *fixture)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
        return false;
    start(fixture, "localhost");
    bool named = !fixture->lookup && fixture->result.calls == 1 && strstr(fixture->result.error, "TasksMax=");
    start(fixture, "127.0.0.1");
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    return named && fixture->result.calls == 2 && fixture->result.found;
}

static void where_no_thread_can_start_the_limit_is_named_and_an_address_needs_none(void **state)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(named_without_threads(*state) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_there_at_once),
        TEST(a_name_is_looked_up_while_the_loop_runs),
        TEST(a_name_that_is_none_is_an_error_with_a_reason),
        TEST(what_is_abandoned_calls_nothing_and_leaks_nothing),
        TEST(where_no_thread_can_start_the_limit_is_named_and_an_address_needs_none),
    };
    return cmocka_run_group_tests_name("unit/fetcher/name_lookup", tests, NULL, NULL);
}
