/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/support/database_file.h"
#include "tools/dns/store.h"
#include "tools/reporter/kept.h"
#include "tools/reporter/status_store.h"

static const struct status status_a = {
    .route = {.modid = 1, .cmdid = 4294967295},
    .host = {.address = 0xC8000001, .port = 65535},
    .caller = 4294967295,
    .successes = 4294967295,
    .failures = 3,
    .overloaded = true,
    .time = 1700000000,
};

struct fixture {
    struct database_file file;
    struct status_store *store;
    struct kept kept;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char error[STORE_ERROR_SIZE];
    assert_non_null(fixture);
    database_file_init(&fixture->file);
    assert_int_equal(status_store_open(&fixture->store, fixture->file.path, STORE_CREATE, error), 0);
    database_file_open(&fixture->file);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    kept_free(&fixture->kept);
    status_store_close(fixture->store);
    database_file_dispose(&fixture->file);
    free(fixture);
    return 0;
}

/* What a listing gives. */
struct listed {
    size_t count, stop_at; /* 0: never */
    struct status rows[8];
};

static int on_row(void *arg, const struct status *status)
{
    struct listed *listed = arg;
    if (listed->count < 8)
        listed->rows[listed->count] = *status;
    return ++listed->count == listed->stop_at;
}

static struct listed list(const struct fixture *fixture)
{
    struct listed listed = {0};
    assert_int_equal(status_store_list(fixture->store, NULL, NULL, on_row, &listed), 0);
    return listed;
}

static size_t count_rows(const struct fixture *fixture)
{
    return list(fixture).count;
}

static void expect_error(const struct fixture *fixture, const char *word)
{
    if (!strstr(status_store_error(fixture->store), word))
        fail_msg("'%s' does not say '%s'", status_store_error(fixture->store), word);
}

static void keep(struct fixture *fixture, struct status status)
{
    assert_true(kept_add(&fixture->kept, &status, status_store_room(fixture->store)));
}

/* As the service does: what was not written is kept. */
static int commit(struct fixture *fixture)
{
    struct kept *kept = &fixture->kept;
    struct status_written written;
    kept_sort(kept);
    int rc = status_store_write(fixture->store, kept->rows, kept->count, 0, &written);
    assert_int_equal(written.done, rc == 0 ? kept->count : 0);
    assert_int_equal(written.refused, 0);
    if (rc == 0)
        kept_free(kept);
    return rc;
}

static struct status of_route(uint32_t modid, uint32_t cmdid)
{
    struct status status = status_a;
    status.route = (struct route_key){modid, cmdid};
    return status;
}

static void nothing_is_stored_before_the_commit_and_then_all_of_it(void **state)
{
    struct fixture *fixture = *state;
    keep(fixture, status_a);
    keep(fixture, of_route(0, 0));
    assert_int_equal(fixture->kept.count, 2);
    assert_int_equal(count_rows(fixture), 0);
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(fixture->kept.count, 0);
    struct listed listed = list(fixture);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.rows[0].route.cmdid, 0);
    const struct status *status = &listed.rows[1];
    assert_int_equal(route_key_number(status->route), route_key_number(status_a.route));
    assert_int_equal(status->host.address, status_a.host.address);
    assert_int_equal(status->host.port, status_a.host.port);
    assert_int_equal(status->caller, status_a.caller);
    assert_int_equal(status->successes, status_a.successes);
    assert_int_equal(status->failures, status_a.failures);
    assert_true(status->overloaded);
    assert_int_equal(status->time, status_a.time);
}

static void newest_of_a_key_counts_whether_kept_or_stored(void **state)
{
    struct fixture *fixture = *state;
    struct status status = status_a;
    for (uint32_t i = 0; i < 10; i++) {
        status.failures = i;
        status.overloaded = i % 2;
        keep(fixture, status);
        if (i % 3 == 0)
            assert_int_equal(commit(fixture), 0);
    }
    struct listed listed = list(fixture);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.rows[0].failures, 9);
}

static void each_part_of_the_key_distinguishes_rows(void **state)
{
    struct fixture *fixture = *state;
    struct status others[5] = {status_a, status_a, status_a, status_a, status_a};
    others[0].route.modid++;
    others[1].route.cmdid--;
    others[2].host.address++;
    others[3].host.port--;
    others[4].caller--;
    keep(fixture, status_a);
    for (int i = 0; i < 5; i++)
        keep(fixture, others[i]);
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(count_rows(fixture), 6);
}

static void listing_is_sorted_can_be_narrowed_and_can_end_early(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t modid = 2, cmdid = 4294967295;
    struct listed listed = {0}, narrow = {0}, one = {.stop_at = 1};
    keep(fixture, of_route(4294967295, 1));
    keep(fixture, of_route(2, 4294967295));
    keep(fixture, of_route(2, 0));
    assert_int_equal(commit(fixture), 0);
    listed = list(fixture);
    assert_int_equal(listed.rows[0].route.cmdid, 0);
    assert_int_equal(listed.rows[1].route.cmdid, 4294967295);
    assert_int_equal(listed.rows[2].route.modid, 4294967295);
    assert_int_equal(status_store_list(fixture->store, &modid, NULL, on_row, &one), 0);
    assert_int_equal(one.count, 1);
    assert_int_equal(status_store_list(fixture->store, &modid, &cmdid, on_row, &narrow), 0);
    assert_int_equal(narrow.count, 1);
}

static void locked_database_keeps_everything_for_the_next_commit(void **state)
{
    struct fixture *fixture = *state;
    keep(fixture, status_a);
    run_sql(&fixture->file, "BEGIN IMMEDIATE");
    assert_int_equal(commit(fixture), -1);
    expect_error(fixture, "locked by another process");
    keep(fixture, of_route(3, 3));
    assert_int_equal(fixture->kept.count, 2);
    run_sql(&fixture->file, "COMMIT");
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(count_rows(fixture), 2);
}

static void commit_that_fails_half_way_stores_nothing(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "CREATE TRIGGER no BEFORE INSERT ON ServerCallStatus WHEN new.modid = 5"
                            " BEGIN SELECT RAISE(ABORT, 'no fives'); END");
    for (uint32_t modid = 0; modid < 10; modid++)
        keep(fixture, of_route(modid, 0));
    assert_int_equal(commit(fixture), -1);
    expect_error(fixture, "no fives");
    assert_int_equal(count_rows(fixture), 0);
    run_sql(&fixture->file, "DROP TRIGGER no");
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(count_rows(fixture), 10);
}

static off_t largest_file(const struct fixture *fixture)
{
    struct stat wal = {0}, db = {0};
    char path[80];
    snprintf(path, sizeof(path), "%s-wal", fixture->file.path);
    stat(path, &wal);
    stat(fixture->file.path, &db);
    return wal.st_size > db.st_size ? wal.st_size : db.st_size;
}

/* A limit on the size of files stands for a disk that takes no more. */
static void disk_that_takes_no_more_keeps_everything_for_the_next_commit(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit, before;
    signal(SIGXFSZ, SIG_IGN);
    for (uint32_t modid = 0; modid < 5000; modid++)
        keep(fixture, of_route(modid, 0));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)largest_file(fixture) + 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int rc = commit(fixture);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, -1);
    expect_error(fixture, fixture->file.path);
    assert_int_equal(count_rows(fixture), 0);
    assert_int_equal(fixture->kept.count, 5000);
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(count_rows(fixture), 5000);
}

static void rows_of_another_program_that_cannot_be_are_not_listed(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "INSERT INTO ServerCallStatus VALUES"
                            " (-1, 1, 1, 1, 1, 1, 1, 1, '0'), (1, 4294967296, 1, 1, 1, 1, 1, 1, '0'),"
                            " (1, 1, 0, 1, 1, 1, 1, 1, '0'), (1, 1, -1, 1, 1, 1, 1, 1, '0'),"
                            " (1, 1, 1, 0, 1, 1, 1, 1, '0'), (1, 1, 1, 65536, 1, 1, 1, 1, '0'),"
                            " (1, 1, 1, 1, -1, 1, 1, 1, '0'), (1, 1, 1, 1, 2, -1, 1, 1, '0'),"
                            " (1, 1, 1, 1, 3, 1, 4294967296, 1, '0'), (1, 1, 1, 1, 4, 1, 1, -1, '0'),"
                            " (1, 1, 1, 1, 5, 1, 1, 1, 'x')");
    struct listed listed = list(fixture);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.rows[0].caller, 5);
    assert_true(listed.rows[0].overloaded);
}

static void routes_and_results_live_in_one_file(void **state)
{
    struct fixture *fixture = *state;
    const struct route_key key = {1, 2};
    struct store_edit edit;
    struct store *routes;
    char error[STORE_ERROR_SIZE];
    keep(fixture, status_a);
    assert_int_equal(store_open(&routes, fixture->file.path, STORE_EXISTING, error), 0);
    assert_int_equal(store_begin(routes), 0);
    assert_int_equal(store_add(routes, key, status_a.host), 1);
    assert_int_equal(commit(fixture), -1);
    assert_int_equal(store_commit(routes, &edit), 0);
    assert_int_equal(commit(fixture), 0);
    assert_int_equal(store_delete(routes, key, NULL), 1);
    assert_int_equal(count_rows(fixture), 1);
    store_close(routes);
}

static void file_that_is_not_ours_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct status_store *store = NULL;
    char error[STORE_ERROR_SIZE] = "", path[80];
    snprintf(path, sizeof(path), "%s/missing", fixture->file.directory);
    assert_int_equal(status_store_open(&store, path, STORE_EXISTING, error), -1);
    assert_non_null(strstr(error, "does it exist"));
    assert_non_null(strstr(error, "'serve --create' makes a new one"));
    assert_int_not_equal(access(path, F_OK), 0);
    run_sql(&fixture->file, "PRAGMA user_version = 2");
    assert_int_equal(status_store_open(&store, fixture->file.path, STORE_CREATE, error), -1);
    assert_non_null(strstr(error, "another program or version"));
    run_sql(&fixture->file, "PRAGMA user_version = 1; DROP TABLE ServerCallStatus");
    assert_int_equal(status_store_open(&store, fixture->file.path, STORE_CREATE, error), -1);
    assert_non_null(strstr(error, "no such table"));
    assert_null(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_stored_before_the_commit_and_then_all_of_it),
        TEST(newest_of_a_key_counts_whether_kept_or_stored),
        TEST(each_part_of_the_key_distinguishes_rows),
        TEST(listing_is_sorted_can_be_narrowed_and_can_end_early),
        TEST(locked_database_keeps_everything_for_the_next_commit),
        TEST(commit_that_fails_half_way_stores_nothing),
        TEST(disk_that_takes_no_more_keeps_everything_for_the_next_commit),
        TEST(rows_of_another_program_that_cannot_be_are_not_listed),
        TEST(routes_and_results_live_in_one_file),
        TEST(file_that_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests_name("unit/reporter/status_store", tests, NULL, NULL);
}
