/* SPDX-License-Identifier: MIT */
/* What a report service on a MariaDB database stores, and what becomes of results when the database does not take them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/mariadb_server.h"
#include "tests/support/reporter.h"

#define ROWS "SELECT count(*) FROM ServerCallStatus"

static struct mariadb_server server;

static const struct wire_result host_a = {.ip = 0x0A000002, .port = 8080, .succ = 180, .err = 5};

static int start_server(void **state)
{
    (void)state;
    mariadb_server_init(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    mariadb_server_dispose(&server);
    return 0;
}

static int setup(void **state)
{
    mariadb_server_empty(&server);
    return reporter_setup_on(state, server.url);
}

/* Reports results of one route for `count` hosts. */
static void report_many(int fd, int32_t modid, size_t count)
{
    struct wire_result *results = calloc(count, sizeof(*results));
    uint8_t *bytes = malloc(FRAME_MAX);
    assert_true(results && bytes);
    for (size_t i = 0; i < count; i++)
        results[i] = (struct wire_result){(int32_t)i + 1, 80, (uint32_t)i, 1, false};
    reporter_send(fd, bytes, reporter_frame(modid, 1, results, count, bytes));
    free(results);
    free(bytes);
}

static void every_field_is_stored_as_lars_does_and_counts_end_where_its_columns_do(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, -1, INT32_MIN, (struct wire_result){-1, 65535, UINT32_MAX, 2147483647, true});
    reporter_report(fd, 0, 0, (struct wire_result){INT32_MIN, 1, 0, 2147483648, false});
    eventually(mariadb_ask(&server, ROWS) == 2);
    assert_int_equal(mariadb_ask(&server,
                                 ROWS " WHERE modid = -1 AND cmdid = -2147483648 AND ip = 4294967295"
                                      " AND port = 65535 AND caller = 167772161 AND succ_cnt = 2147483647"
                                      " AND err_cnt = 2147483647 AND ts = 1700000000 AND overload = '1'"),
                     1);
    assert_int_equal(mariadb_ask(&server,
                                 ROWS " WHERE modid = 0 AND cmdid = 0 AND ip = 2147483648 AND port = 1"
                                      " AND succ_cnt = 0 AND err_cnt = 2147483647 AND overload = '0'"),
                     1);
    close(fd);
}

static void newer_report_replaces_the_counts(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 2, host_a);
    eventually(mariadb_ask(&server, ROWS " WHERE succ_cnt = 180") == 1);
    for (uint32_t i = 1; i <= 100; i++)
        reporter_report(fd, 1, 2, (struct wire_result){host_a.ip, host_a.port, i, i + 1, i % 2});
    eventually(mariadb_ask(&server, ROWS " WHERE succ_cnt = 100 AND err_cnt = 101 AND overload = '0'") == 1);
    assert_int_equal(mariadb_ask(&server, ROWS), 1);
    close(fd);
}

static void row_that_the_database_does_not_take_loses_none_of_its_neighbours(void **state)
{
    static const char *const refusals[] = {
        "ALTER TABLE ServerCallStatus ADD CONSTRAINT bad CHECK (succ_cnt NOT IN (7, 8, 1400))",
        "CREATE TRIGGER bad BEFORE INSERT ON ServerCallStatus FOR EACH ROW"
        " BEGIN IF NEW.succ_cnt IN (7, 8, 1400) THEN SIGNAL SQLSTATE '45000'; END IF; END",
        "ALTER TABLE ServerCallStatus PARTITION BY RANGE (ip)"
        " (PARTITION a VALUES LESS THAN (8), PARTITION b VALUES LESS THAN (1999))",
    };
    struct reporter_run *run = *state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        mariadb_server_empty(&server);
        mariadb_run(&server, "%s", refusals[i]);
        int fd = reporter_connect(run);
        report_many(fd, 1, 2000);
        reporter_report(fd, 2, 1, host_a);
        eventually(mariadb_ask(&server, ROWS) == 1998);
        close(fd);
    }
    assert_true(process_said(&run->process,
                             "left out the result of route 1 1, host 0.0.0.8:80, caller 10.0.0.1: ") > 0);
    assert_int_equal(process_said(&run->process, "trying again"), 0);
    process_signal(&run->process, SIGTERM);
    assert_int_equal(process_wait(&run->process), 0);
    assert_int_equal(process_said(&run->process, "9 that the database does not take"), 1);
    reporter_restart(run);
}

static void results_wait_for_a_table_that_is_missing(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    mariadb_run(&server, "DROP TABLE ServerCallStatus");
    reporter_report(fd, 1, 1, host_a);
    eventually(process_said(&run->process, "'larshm-dns schema' makes the tables of Lars; trying again") ==
               1);
    reporter_report(fd, 1, 2, host_a);
    mariadb_server_empty(&server);
    eventually(mariadb_ask(&server, ROWS) == 2);
    eventually(process_said(&run->process, "the database works again") == 1);
    close(fd);
}

static void results_wait_for_a_server_that_is_read_only(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    mariadb_run(&server, "SET GLOBAL read_only = ON");
    report_many(fd, 1, 2000);
    eventually(process_said(&run->process, "is read-only") == 1);
    mariadb_run(&server, "SET GLOBAL read_only = OFF");
    eventually(mariadb_ask(&server, ROWS) == 2000);
    close(fd);
}

static void results_wait_for_a_server_that_is_down_and_the_newest_is_written(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 1, host_a);
    eventually(mariadb_ask(&server, ROWS) == 1);
    mariadb_server_stop(&server);
    report_many(fd, 1, 2000);
    eventually(process_said(&run->process, "trying again") == 1);
    reporter_report(fd, 1, 1, (struct wire_result){host_a.ip, host_a.port, 7, 8, true});
    mariadb_server_start(&server);
    eventually(mariadb_ask(&server, ROWS) == 2001);
    eventually(mariadb_ask(&server, ROWS " WHERE succ_cnt = 7 AND err_cnt = 8") == 1);
    close(fd);
}

/* The lock of another program has the statement wait; then its connection ends. */
static void statement_whose_connection_is_killed_is_made_again(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    report_many(fd, 1, 2000);
    eventually(mariadb_ask(&server, ROWS) == 2000);
    mariadb_run(&server, "BEGIN");
    mariadb_run(&server, "UPDATE ServerCallStatus SET err_cnt = 9 WHERE ip = 1500");
    report_many(fd, 1, 2000);
    report_many(fd, 2, 2000);
    eventually(mariadb_ask(&server, "SELECT count(*) FROM information_schema.PROCESSLIST"
                                    " WHERE user = 'lars' AND info LIKE 'INSERT%%'") == 1);
    mariadb_run(&server, "KILL %d",
                (int)mariadb_ask(&server, "SELECT id FROM information_schema.PROCESSLIST"
                                          " WHERE user = 'lars'"));
    eventually(process_said(&run->process, "the connection was lost") == 1);
    mariadb_run(&server, "COMMIT");
    eventually(mariadb_ask(&server, ROWS " WHERE err_cnt = 1") == 4000);
    close(fd);
}

/* Longer than the server lets a statement wait. */
static void while_another_program_is_in_the_way_reports_are_taken_and_nothing_is_lost(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 1, host_a);
    eventually(mariadb_ask(&server, ROWS) == 1);
    mariadb_run(&server, "SET GLOBAL innodb_lock_wait_timeout = 1");
    mariadb_run(&server, "BEGIN");
    mariadb_run(&server, "UPDATE ServerCallStatus SET err_cnt = 9");
    for (int32_t i = 0; i < 50; i++)
        report_many(fd, i, 2000);
    reporter_report(fd, 1, 1, (struct wire_result){host_a.ip, host_a.port, 7, 8, true});
    mariadb_run(&server, "COMMIT");
    eventually(mariadb_ask(&server, ROWS) == 50 * 2000 + 1);
    assert_int_equal(mariadb_ask(&server, ROWS " WHERE succ_cnt = 7 AND err_cnt = 8"), 1);
    close(fd);
}

static void what_is_kept_is_written_at_a_signal(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    mariadb_run(&server, "SET GLOBAL read_only = ON");
    report_many(fd, 1, 2000);
    eventually(process_said(&run->process, "is read-only") == 1);
    mariadb_run(&server, "SET GLOBAL read_only = OFF");
    process_signal(&run->process, SIGTERM);
    assert_int_equal(process_wait(&run->process), 0);
    assert_int_equal(mariadb_ask(&server, ROWS), 2000);
    assert_int_equal(process_said(&run->process, "2000 results, 2000 rows written"), 1);
    close(fd);
    reporter_restart(run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, reporter_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_stored_as_lars_does_and_counts_end_where_its_columns_do),
        TEST(newer_report_replaces_the_counts),
        TEST(row_that_the_database_does_not_take_loses_none_of_its_neighbours),
        TEST(results_wait_for_a_table_that_is_missing),
        TEST(results_wait_for_a_server_that_is_read_only),
        TEST(results_wait_for_a_server_that_is_down_and_the_newest_is_written),
        TEST(statement_whose_connection_is_killed_is_made_again),
        TEST(while_another_program_is_in_the_way_reports_are_taken_and_nothing_is_lost),
        TEST(what_is_kept_is_written_at_a_signal),
    };
    return cmocka_run_group_tests_name("integration/reporter_shared", tests, start_server, stop_server);
}
