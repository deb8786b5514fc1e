/* SPDX-License-Identifier: MIT */
/* The fetcher with larshm-dns, both real: edits reach clients, also those made while the directory was down. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tests/support/fixture.h"

/* The database lies in the fetcher's home; the fixture's port, at which its own directory never listens, is used. */
static struct process serve(struct fixture *fixture, char *db, char *place)
{
    struct process dns = {0};
    snprintf(db, 64, "%s/routes.db", fixture->fetcher.home);
    snprintf(place, 32, "127.0.0.1:%u", fixture->directory.port);
    char *const argv[] = {LARSHM_DNS, "--db", db, "serve", "--create", "--listen", place, NULL};
    process_start(&dns, fixture->fetcher.log_path, argv);
    return dns;
}

/* larshm-dns --db DB route VERB 1 2 [HOST] */
static void edit(struct fixture *fixture, char *db, char *verb, char *host)
{
    struct process edit = {0};
    char *const argv[] = {LARSHM_DNS, "--db", db, "route", verb, "1", "2", host, NULL};
    process_start(&edit, fixture->fetcher.log_path, argv);
    assert_int_equal(process_wait(&edit), 0);
}

static void remove_db(const char *db)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s%s", db, suffixes[i]);
        unlink(path);
    }
}

static void edits_reach_clients_and_a_restart_of_the_directory_loses_none(void **state)
{
    struct fixture *fixture = *state;
    char db[64], place[32];
    struct process dns = serve(fixture, db, place);
    fixture_start(fixture);
    edit(fixture, db, "add", "10.0.0.1:80");
    assert_int_equal(larshm_wait_route(fixture->client, 1, 2, EVENTUALLY_MS), LARSHM_OK);
    assert_true(fixture_serves(fixture, 1, 2, 1, 80));
    edit(fixture, db, "add", "10.0.0.2:80");
    eventually(fixture_serves(fixture, 1, 2, 2, 80));

    process_kill(&dns);
    eventually(!fixture_info(fixture, 1, 2).connected);
    edit(fixture, db, "add", "10.0.0.3:80");
    assert_true(fixture_serves(fixture, 1, 2, 2, 80));
    dns = serve(fixture, db, place);
    eventually(fixture_serves(fixture, 1, 2, 3, 80));

    edit(fixture, db, "del", NULL);
    eventually(fixture_lookup(fixture, 1, 2) == LARSHM_NOEXIST);
    edit(fixture, db, "add", "10.0.0.1:90");
    eventually(fixture_serves(fixture, 1, 2, 1, 90));
    process_kill(&dns);
    remove_db(db);
}

static void fetcher_has_a_route_that_it_has_looked_up(void **state)
{
    struct fixture *fixture = *state;
    struct process command = {0};
    char db[64], place[32], port[8];
    struct process dns = serve(fixture, db, place);
    snprintf(port, sizeof(port), "%u", fixture->directory.port);
    fixture_start(fixture);
    edit(fixture, db, "add", "10.0.0.1:80");
    assert_int_equal(larshm_wait_route(fixture->client, 1, 2, EVENTUALLY_MS), LARSHM_OK);
    char *const argv[] = {LARSHM_DNS, "--db",   db,   "route", "status", "1",
                          "2",        "--wait", "30", "-p",    port,     NULL};
    process_start(&command, fixture->fetcher.log_path, argv);
    assert_int_equal(process_wait(&command), 0);
    assert_int_equal(process_said(&command, "the newest answer has arrived at 1 of 1 subscriber of"), 1);
    process_signal(&dns, SIGTERM);
    assert_int_equal(process_wait(&dns), 0);
    remove_db(db);
}

static void waiting_for_new_routes_takes_no_poll_each(void **state)
{
    struct fixture *fixture = *state;
    char db[64], place[32];
    struct process dns = serve(fixture, db, place);
    fixture->fetcher.config.poll_interval_ms = 1000; /* six routes would take six seconds */
    fixture_start(fixture);
    edit(fixture, db, "add", "10.0.0.1:80");
    assert_int_equal(larshm_wait_route(fixture->client, 1, 2, EVENTUALLY_MS), LARSHM_OK);
    uint64_t begun = clock_tick();
    for (uint32_t cmdid = 10; cmdid < 16; cmdid++)
        assert_int_equal(larshm_wait_route(fixture->client, 1, cmdid, EVENTUALLY_MS), LARSHM_NOEXIST);
    assert_true(clock_tick() - begun < 3000);
    process_kill(&dns);
    remove_db(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(edits_reach_clients_and_a_restart_of_the_directory_loses_none),
        fixture_test(fetcher_has_a_route_that_it_has_looked_up),
        fixture_test(waiting_for_new_routes_takes_no_poll_each),
    };
    return cmocka_run_group_tests_name("integration/larshm_dns", tests, NULL, NULL);
}
