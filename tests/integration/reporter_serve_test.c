/* SPDX-License-Identifier: MIT */
/* What a report service stores of what good agents and bad ones send. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/reporter.h"
#include "tools/reporter/status_store.h"

#define ROWS "SELECT count(*) FROM ServerCallStatus"

enum {
    SEEN_MS = 1500,     /* the service looks at its database more often than that */
    KEPT_MAX = 1 << 17, /* results that wait for a file */
};

static const struct wire_result host_a = {.ip = 0x0A000002, .port = 8080, .succ = 180, .err = 5};

static void every_field_is_stored_and_high_numbers_survive(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, -1, INT32_MIN, (struct wire_result){-1, 65535, UINT32_MAX, 2147483648, true});
    reporter_report(fd, 0, 0, (struct wire_result){INT32_MIN, 1, 0, 0, false});
    eventually(ask_sql(&run->file, ROWS) == 2);
    assert_int_equal(ask_sql(&run->file,
                             ROWS " WHERE modid = 4294967295 AND cmdid = 2147483648 AND ip = 4294967295"
                                  " AND port = 65535 AND caller = 167772161 AND succ_cnt = 4294967295"
                                  " AND err_cnt = 2147483648 AND ts = 1700000000 AND overload = '1'"),
                     1);
    assert_int_equal(ask_sql(&run->file,
                             ROWS " WHERE modid = 0 AND cmdid = 0 AND ip = 2147483648 AND port = 1"
                                  " AND succ_cnt = 0 AND err_cnt = 0 AND overload = '0'"),
                     1);
    close(fd);
}

static void newer_report_replaces_the_counts_and_is_never_answered(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    for (uint32_t i = 1; i <= 100; i++)
        reporter_report(fd, 1, 2, (struct wire_result){1, 80, i, i + 1, i % 2});
    eventually(ask_sql(&run->file, ROWS " WHERE succ_cnt = 100 AND err_cnt = 101 AND overload = '0'") == 1);
    reporter_report(fd, 1, 2, (struct wire_result){1, 80, 3, 4, true});
    eventually(ask_sql(&run->file, ROWS " WHERE succ_cnt = 3 AND err_cnt = 4 AND overload = '1'") == 1);
    assert_int_equal(ask_sql(&run->file, ROWS), 1);
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&answer, 1, 0), 0);
    close(fd);
}

static void large_report_appears_whole_or_not_at_all(void **state)
{
    enum {
        RESULTS = 2100, /* of 31 bytes: nearly a full frame */
        REPORTS = 20,
    };
    struct reporter_run *run = *state;
    struct wire_result *results = calloc(RESULTS, sizeof(*results));
    uint8_t *bytes = malloc(FRAME_MAX);
    assert_true(results && bytes);
    for (int i = 0; i < RESULTS; i++)
        results[i] = (struct wire_result){INT32_MIN + i, 65535, UINT32_MAX, UINT32_MAX, true};
    int fd = reporter_connect(run);
    for (int32_t modid = 1; modid <= REPORTS; modid++)
        reporter_send(fd, bytes, reporter_frame(modid, 1, results, RESULTS, bytes));
    close(fd);
    int64_t rows = 0;
    while (rows < RESULTS * REPORTS) {
        eventually(ask_sql(&run->file, ROWS) > rows);
        rows = ask_sql(&run->file, ROWS);
        assert_int_equal(rows % RESULTS, 0);
    }
    free(results);
    free(bytes);
}

static void reports_in_single_bytes_and_many_at_once_are_the_same(void **state)
{
    enum {
        MANY = 500,
        HALF = 10, /* bytes of a report */
    };
    struct reporter_run *run = *state;
    uint8_t one[FRAME_MAX];
    uint8_t *many = malloc(FRAME_MAX + MANY * 64);
    assert_non_null(many);
    size_t used = 0;
    for (int32_t modid = 1; modid <= MANY; modid++)
        used += reporter_frame(modid, 1, &host_a, 1, many + used);
    int slow = reporter_connect(run), fast = reporter_connect(run);
    size_t size = reporter_frame(300, 400, &host_a, 1, one);
    for (size_t i = 0; i < size; i++) {
        if (i == HALF)
            reporter_send(fast, many, used);
        reporter_send(slow, one + i, 1);
        usleep(1000);
    }
    eventually(ask_sql(&run->file, ROWS " WHERE cmdid = 1") == MANY);
    eventually(ask_sql(&run->file, ROWS " WHERE modid = 300 AND cmdid = 400") == 1);
    free(many);
    close(slow);
    close(fast);
}

static void what_makes_no_sense_is_left_out_and_loses_nothing_else(void **state)
{
    static const struct wire_result results[] = {
        {1, 0, 1, 1, false},     {1, -1, 1, 1, false}, {1, 65536, 1, 1, false},
        {1, INT32_MIN, 1, 1, 0}, {0, 80, 1, 1, false}, {7, 80, 1, 1, false},
    };
    static const int32_t ids[] = {0, 1, 2, 4, 99, -1};
    struct reporter_run *run = *state;
    uint8_t bytes[FRAME_MAX];
    int fd = reporter_connect(run);
    reporter_send(fd, bytes, reporter_frame(1, 1, results, sizeof(results) / sizeof(*results), bytes));
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        frame_header(bytes, ids[i], 3);
        reporter_send(fd, bytes, FRAME_HEADER + 3);
    }
    frame_header(bytes, 3, 4);
    memcpy(bytes + FRAME_HEADER, "\xFF\xFF\xFF\xFF", 4);
    reporter_send(fd, bytes, FRAME_HEADER + 4);
    reporter_report(fd, 2, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 2);
    assert_int_equal(ask_sql(&run->file, ROWS " WHERE (modid, ip) IN ((1, 7), (2, 167772162))"), 2);
    assert_int_equal(process_said(&run->process, "skipping unknown message id 0"), 1);
    assert_int_equal(process_said(&run->process, "does not decode"), 1);
    assert_int_equal(process_said(&run->process, "skipped 5 results"), 1);
    close(fd);
}

static void bad_frame_length_closes_its_connection_and_no_other(void **state)
{
    static const uint32_t lengths[] = {0xFFFFFFFF, 0x80000000};
    struct reporter_run *run = *state;
    uint8_t bytes[FRAME_HEADER];
    int good = reporter_connect(run);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        int bad = reporter_connect(run);
        reporter_report(bad, 1, (int32_t)i, host_a);
        frame_header(bytes, 3, lengths[i]);
        reporter_send(bad, bytes, sizeof(bytes));
        assert_int_equal(recv(bad, bytes, 1, 0), 0);
        close(bad);
    }
    reporter_report(good, 2, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 3);
    close(good);
}

static void flood_of_nonsense_does_not_flood_the_log(void **state)
{
    enum {
        FLOOD = 20000,
    };
    struct reporter_run *run = *state;
    uint8_t *bytes = calloc(FLOOD, FRAME_HEADER);
    assert_non_null(bytes);
    for (size_t i = 0; i < FLOOD; i++)
        frame_header(bytes + i * FRAME_HEADER, 77, 0);
    int fd = reporter_connect(run);
    reporter_send(fd, bytes, (size_t)FLOOD * FRAME_HEADER);
    reporter_report(fd, 1, 1, host_a);
    eventually(ask_sql(&run->file, ROWS) == 1);
    unsigned said = process_said(&run->process, "skipping unknown message id 77");
    assert_true(said >= 1 && said < FLOOD / 100);
    free(bytes);
    close(fd);
}

static void all_of_many_connections_are_stored(void **state)
{
    enum {
        AGENTS = 50,
        EACH = 20,
    };
    struct reporter_run *run = *state;
    int fds[AGENTS];
    for (int i = 0; i < AGENTS; i++)
        fds[i] = reporter_connect(run);
    for (int32_t cmdid = 0; cmdid < EACH; cmdid++)
        for (int i = 0; i < AGENTS; i++)
            reporter_report(fds[i], i, cmdid, host_a);
    for (int i = 0; i < AGENTS; i++)
        close(fds[i]);
    eventually(ask_sql(&run->file, ROWS) == AGENTS * EACH);
}

static void restart_keeps_what_was_stored_even_after_a_kill(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 1);
    process_kill(&run->process);
    close(fd);
    reporter_restart(run);
    assert_int_equal(ask_sql(&run->file, ROWS " WHERE succ_cnt = 180"), 1);
    fd = reporter_connect(run);
    reporter_report(fd, 1, 3, host_a);
    eventually(ask_sql(&run->file, ROWS) == 2);
    close(fd);
}

static void while_the_database_is_locked_the_newest_is_kept(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    run_sql(&run->file, "BEGIN IMMEDIATE");
    reporter_report(fd, 1, 2, host_a);
    eventually(process_said(&run->process, "locked by another process") == 1);
    reporter_report(fd, 1, 2, (struct wire_result){host_a.ip, host_a.port, 7, 8, true});
    reporter_report(fd, 1, 3, host_a);
    throughout(300, ask_sql(&run->file, ROWS) == 0);
    run_sql(&run->file, "COMMIT");
    eventually(ask_sql(&run->file, ROWS) == 2);
    assert_int_equal(ask_sql(&run->file, ROWS " WHERE cmdid = 2 AND succ_cnt = 7"), 1);
    eventually(process_said(&run->process, "the database works again") == 1);
    assert_int_equal(process_said(&run->process, "locked by another process"), 1);
    close(fd);
}

static void while_the_database_is_locked_memory_is_bounded(void **state)
{
    enum {
        RESULTS = 5000,
        REPORTS = KEPT_MAX / RESULTS + 1, /* only the last one has too many */
    };
    struct reporter_run *run = *state;
    struct wire_result *results = calloc(RESULTS, sizeof(*results));
    uint8_t *bytes = malloc(FRAME_MAX);
    assert_true(results && bytes);
    for (int i = 0; i < RESULTS; i++)
        results[i] = (struct wire_result){i + 1, 80, 0, 0, false};
    int fd = reporter_connect(run);
    run_sql(&run->file, "BEGIN IMMEDIATE");
    for (int32_t modid = 1; modid <= REPORTS; modid++)
        reporter_send(fd, bytes, reporter_frame(modid, 1, results, RESULTS, bytes));
    eventually(process_said(&run->process, "dropped a result: 131072 results wait") > 0);
    run_sql(&run->file, "COMMIT");
    eventually(ask_sql(&run->file, ROWS) == KEPT_MAX);
    /* The service hears from its thread a moment later that there is room again. */
    eventually((reporter_report(fd, REPORTS + 1, 1, host_a), ask_sql(&run->file, ROWS) == KEPT_MAX + 1));
    free(results);
    free(bytes);
    close(fd);
}

/* Opens the database that is at the path now. */
static void reopen(struct reporter_run *run)
{
    sqlite3_close(run->file.sql);
    database_file_open(&run->file);
}

static void results_go_to_the_database_that_takes_the_place_of_another(void **state)
{
    struct reporter_run *run = *state;
    char other[80];
    int fd = reporter_connect(run);
    snprintf(other, sizeof(other), "%s/other.db", run->file.directory);
    reporter_report(fd, 1, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 1);
    sqlite3 *sql = run->file.sql;
    assert_int_equal(sqlite3_exec(sql, "PRAGMA wal_checkpoint", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(rename(run->file.path, other), 0);
    eventually(process_said(&run->process, "was deleted or moved away") == 1);
    reporter_report(fd, 1, 3, host_a);
    reporter_report(fd, 1, 4, host_a);
    throughout(700, ask_sql(&run->file, ROWS) == 1);

    struct status_store *store;
    char error[STORE_ERROR_SIZE], next[80];
    snprintf(next, sizeof(next), "%s/next.db", run->file.directory);
    assert_int_equal(status_store_open(&store, next, STORE_CREATE, error), 0);
    status_store_close(store);
    assert_int_equal(rename(next, run->file.path), 0);
    eventually(process_said(&run->process, "the database was replaced: results go to the new one") == 1);
    reopen(run);
    eventually(ask_sql(&run->file, ROWS) == 2);
    assert_int_equal(ask_sql(&run->file, ROWS " WHERE cmdid IN (3, 4)"), 2);
    assert_int_equal(process_said(&run->process, "was deleted or moved away"), 1);
    unlink(other);
    close(fd);
}

static void results_are_kept_while_the_database_is_emptied(void **state)
{
    struct reporter_run *run = *state;
    struct status_store *store;
    char error[STORE_ERROR_SIZE], next[80];
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 1);
    assert_int_equal(truncate(run->file.path, 0), 0);
    reporter_report(fd, 1, 3, host_a);
    eventually(process_said(&run->process, "was emptied or overwritten") == 1);
    reporter_report(fd, 1, 4, host_a);
    snprintf(next, sizeof(next), "%s/next.db", run->file.directory);
    assert_int_equal(status_store_open(&store, next, STORE_CREATE, error), 0);
    status_store_close(store);
    assert_int_equal(rename(next, run->file.path), 0);
    eventually(process_said(&run->process, "the database was replaced: results go to the new one") == 1);
    reopen(run);
    eventually(ask_sql(&run->file, ROWS " WHERE cmdid IN (3, 4)") == 2);
    assert_int_equal(process_said(&run->process, "was emptied or overwritten"), 1);
    close(fd);
}

/* As `touch` does, when the service has seen what is there; it has seen this, too, when this returns. */
static void touch_database(struct reporter_run *run)
{
    throughout(SEEN_MS, process_said(&run->process, "database") == 0);
    assert_int_equal(utimensat(AT_FDCWD, run->file.path, NULL, 0), 0);
    throughout(SEEN_MS, process_said(&run->process, "database") == 0);
}

static void results_arrive_after_a_touch_of_the_database(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    for (int32_t cmdid = 1; cmdid <= 2; cmdid++) {
        reporter_report(fd, 1, cmdid, host_a);
        eventually(ask_sql(&run->file, ROWS) == cmdid);
        touch_database(run);
    }
    reporter_report(fd, 1, 3, host_a);
    eventually(ask_sql(&run->file, ROWS) == 3);
    close(fd);
}

static void commit_after_a_touch_is_kept_though_the_wal_had_no_results(void **state)
{
    struct reporter_run *run = *state;
    int fd = reporter_connect(run);
    reporter_report(fd, 1, 1, host_a);
    eventually(ask_sql(&run->file, ROWS) == 1);
    run_sql(&run->file, "PRAGMA wal_checkpoint");
    touch_database(run);
    run_sql(&run->file, "UPDATE ServerCallStatus SET succ_cnt = 7");
    reporter_report(fd, 1, 2, host_a);
    eventually(ask_sql(&run->file, ROWS) == 2);
    reopen(run);
    assert_int_equal(ask_sql(&run->file, ROWS " WHERE succ_cnt = 7"), 1);
    assert_int_equal(ask_sql(&run->file, ROWS), 2);
    close(fd);
}

/* The lock keeps the results in memory until the signal has come. */
static void what_is_kept_is_written_at_a_signal(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct reporter_run *run = *state;
    for (int i = 0; i < 2; i++) {
        int fd = reporter_connect(run);
        run_sql(&run->file, "BEGIN IMMEDIATE");
        reporter_report(fd, 1, i, host_a);
        eventually(process_said(&run->process, "locked by another process") == (unsigned)i + 1);
        process_signal(&run->process, signals[i]);
        throughout(200, process_alive(&run->process));
        run_sql(&run->file, "COMMIT");
        assert_int_equal(process_wait(&run->process), 0);
        assert_int_equal(ask_sql(&run->file, ROWS), i + 1);
        close(fd);
        reporter_restart(run);
    }
    assert_int_equal(process_said(&run->process, "1 result, 1 row written"), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reporter_setup, reporter_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_stored_and_high_numbers_survive),
        TEST(newer_report_replaces_the_counts_and_is_never_answered),
        TEST(large_report_appears_whole_or_not_at_all),
        TEST(reports_in_single_bytes_and_many_at_once_are_the_same),
        TEST(what_makes_no_sense_is_left_out_and_loses_nothing_else),
        TEST(bad_frame_length_closes_its_connection_and_no_other),
        TEST(flood_of_nonsense_does_not_flood_the_log),
        TEST(all_of_many_connections_are_stored),
        TEST(restart_keeps_what_was_stored_even_after_a_kill),
        TEST(while_the_database_is_locked_the_newest_is_kept),
        TEST(while_the_database_is_locked_memory_is_bounded),
        TEST(results_go_to_the_database_that_takes_the_place_of_another),
        TEST(results_are_kept_while_the_database_is_emptied),
        TEST(results_arrive_after_a_touch_of_the_database),
        TEST(commit_after_a_touch_is_kept_though_the_wal_had_no_results),
        TEST(what_is_kept_is_written_at_a_signal),
    };
    return cmocka_run_group_tests_name("integration/reporter_serve", tests, NULL, NULL);
}
