/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/unit/dns/fixture.h"
#include "tools/dns/store.h"

static const struct route_key key = {.modid = 1, .cmdid = 4294967295};
#define host_a ((struct host_addr){htonl(167772161), htons(80)})
#define host_b ((struct host_addr){htonl(0xC8000001), htons(65535)})

static int64_t version(const struct fixture *fixture)
{
    return ask_sql(&fixture->file, "SELECT version FROM RouteVersion WHERE id = 1");
}

static struct store_edit add(struct store *store, struct route_key to, struct host_addr host)
{
    struct store_edit edit;
    assert_int_equal(store_begin(store), 0);
    assert_true(store_add(store, to, host) >= 0);
    assert_int_equal(store_commit(store, &edit), 0);
    return edit;
}

static size_t read_count(struct store *store, struct route_key of)
{
    struct host_addr hosts[8];
    size_t count;
    assert_int_equal(store_read(store, of, hosts, 8, &count), 0);
    return count;
}

static void edit_moves_data_change_and_version_together(void **state)
{
    struct fixture *fixture = *state;
    struct store_edit edit;
    int64_t before = (int64_t)time(NULL);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_add(fixture->store, key, host_a), 1);
    assert_int_equal(store_add(fixture->store, key, host_b), 1);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 0);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 0);
    assert_int_equal(store_commit(fixture->store, &edit), 0);

    assert_int_equal(edit.keys, 1);
    assert_true((int64_t)edit.version >= before);
    assert_int_equal(version(fixture), edit.version);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 1);
    assert_int_equal(
        ask_sql(&fixture->file, "SELECT version FROM RouteChange WHERE modid = 1 AND cmdid = 4294967295"),
        edit.version);
    assert_int_equal(ask_sql(&fixture->file,
                             "SELECT count(*) FROM RouteData WHERE modid = 1 AND cmdid = 4294967295"
                             " AND (serverip, serverport) IN ((167772161, 80), (3355443201, 65535))"),
                     2);
}

static void version_grows_with_each_edit_even_within_a_second_or_ahead_of_the_clock(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first = add(fixture->store, key, host_a).version;
    uint64_t second = add(fixture->store, key, host_b).version;
    assert_true(second > first);
    run_sql(&fixture->file, "UPDATE RouteVersion SET version = 4000000000");
    assert_int_equal(add(fixture->store, (struct route_key){7, 7}, host_a).version, 4000000001);
}

static void edit_that_changes_nothing_leaves_change_and_version_alone(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first = add(fixture->store, key, host_a).version;
    struct store_edit edit;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_add(fixture->store, key, host_a), 0);
    assert_int_equal(store_delete(fixture->store, key, &host_b), 0);
    assert_int_equal(store_delete(fixture->store, (struct route_key){9, 9}, NULL), 0);
    assert_int_equal(store_commit(fixture->store, &edit), 0);
    assert_int_equal(edit.keys, 0);
    assert_int_equal(edit.version, first);
    assert_int_equal(version(fixture), first);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 1);
    assert_int_equal(read_count(fixture->store, key), 1);
}

static void rolled_back_edit_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_add(fixture->store, key, host_a), 1);
    store_rollback(fixture->store);
    assert_int_equal(read_count(fixture->store, key), 0);
    assert_int_equal(version(fixture), 0);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 0);
    assert_int_equal(add(fixture->store, key, host_a).keys, 1);
}

static struct store_edit set(struct store *store, struct route_key of, struct host_addr *hosts, size_t count)
{
    struct store_edit edit;
    int deleted;
    assert_int_equal(store_begin(store), 0);
    assert_true(store_set(store, of, hosts, count, &deleted) >= 0);
    assert_int_equal(store_commit(store, &edit), 0);
    return edit;
}

static void a_route_that_is_set_has_the_new_hosts_and_no_others_and_is_never_seen_empty(void **state)
{
    struct fixture *fixture = *state;
    struct host_addr first[] = {host_b, host_a}, second[] = {{htonl(7), htons(7)}, host_b, host_b};
    set(fixture->store, key, first, 2);
    assert_int_equal(read_count(fixture->store, key), 2);
    int deleted;
    struct store_edit edit;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_set(fixture->store, key, second, 3, &deleted), 1);
    assert_int_equal(deleted, 1);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 2);
    assert_int_equal(store_commit(fixture->store, &edit), 0);
    assert_int_equal(
        ask_sql(
            &fixture->file,
            "SELECT count(*) FROM RouteData WHERE (serverip, serverport) IN ((7, 7), (3355443201, 65535))"),
        2);
    assert_int_equal(set(fixture->store, key, second, 3).keys, 0);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 2);
}

/* The last row of the log. */
struct last {
    int rows;
    int64_t edit, time;
    struct route_key key;
    char user[64], before[64], after[64];
};

static int on_log_row(void *arg, const struct store_log_row *row)
{
    struct last *last = arg;
    last->rows++;
    last->edit = row->edit;
    last->time = row->time;
    last->key = row->key;
    snprintf(last->user, sizeof(last->user), "%s", row->user);
    snprintf(last->before, sizeof(last->before), "%s", row->before);
    snprintf(last->after, sizeof(last->after), "%s", row->after);
    return 0;
}

static struct last read_log(struct store *store)
{
    struct last last = {0};
    assert_int_equal(store_log(store, NULL, NULL, on_log_row, &last), 0);
    return last;
}

static void each_edit_is_kept_with_time_user_and_hosts_before_and_after(void **state)
{
    struct fixture *fixture = *state;
    int64_t start = (int64_t)time(NULL);
    setenv("SUDO_USER", "alice", 1);
    assert_int_equal(read_log(fixture->store).rows, 0);
    assert_int_equal(add(fixture->store, key, host_a).number, 1);
    assert_int_equal(add(fixture->store, key, host_a).number, 0);
    struct last last = read_log(fixture->store);
    assert_int_equal(last.rows, 1);
    assert_int_equal(last.edit, 1);
    assert_true(last.time >= start && last.time <= (int64_t)time(NULL));
    assert_int_equal(route_key_number(last.key), route_key_number(key));
    assert_string_equal(last.before, "");
    assert_string_equal(last.after, "10.0.0.1:80");
    assert_true(last.user[0]);
    if (getuid() == 0)
        assert_string_equal(last.user, "alice");
    assert_int_equal(add(fixture->store, key, host_b).number, 2);
    last = read_log(fixture->store);
    assert_string_equal(last.before, "10.0.0.1:80");
    assert_string_equal(last.after, "10.0.0.1:80 200.0.0.1:65535");
}

static int undo(struct store *store, int64_t edit, bool force, struct store_edit *done)
{
    assert_int_equal(store_begin(store), 0);
    int routes = store_undo(store, edit, force);
    if (routes >= 0)
        assert_int_equal(store_commit(store, done), 0);
    else
        store_rollback(store);
    return routes;
}

static void an_edit_is_undone_and_an_undo_as_well_until_the_route_has_changed_since(void **state)
{
    struct fixture *fixture = *state;
    struct route_key other = {3, 4};
    struct store_edit done;
    assert_int_equal(store_begin(fixture->store), 0);
    store_add(fixture->store, key, host_a);
    store_add(fixture->store, other, host_a);
    assert_int_equal(store_commit(fixture->store, &done), 0);
    assert_int_equal(undo(fixture->store, done.number, false, &done), 2);
    assert_int_equal(done.keys, 2);
    assert_int_equal(read_count(fixture->store, key) + read_count(fixture->store, other), 0);
    assert_int_equal(undo(fixture->store, done.number, false, &done), 2);
    assert_int_equal(read_count(fixture->store, key) + read_count(fixture->store, other), 2);

    uint64_t version_before = add(fixture->store, key, host_b).version;
    assert_int_equal(undo(fixture->store, 1, false, &done), -1);
    assert_non_null(strstr(store_error(fixture->store), "route 1 4294967295 has changed since edit 1"));
    assert_int_equal(version(fixture), version_before);
    assert_int_equal(read_count(fixture->store, other), 1);
    assert_int_equal(undo(fixture->store, 1, true, &done), 2);
    assert_int_equal(read_count(fixture->store, key) + read_count(fixture->store, other), 0);
    assert_int_equal(undo(fixture->store, 77, false, &done), 0);
}

static void the_log_is_bounded_and_numbers_never_come_again(void **state)
{
    struct fixture *fixture = *state;
    add(fixture->store, key, host_a);
    run_sql(&fixture->file, "UPDATE RouteEdit SET id = 5000");
    assert_int_equal(add(fixture->store, key, host_b).number, 5001);
    run_sql(&fixture->file, "UPDATE RouteEdit SET id = 4002 WHERE id = 5000");
    assert_int_equal(add(fixture->store, (struct route_key){1, 1}, host_b).number, 5002);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteEdit"), 2);
}

/* As one that was made by 0.1, or has lost its log. */
static void a_database_without_a_log_is_read_and_gets_one_with_the_first_edit(void **state)
{
    struct fixture *fixture = *state;
    char error[STORE_ERROR_SIZE];
    struct store *store;
    add(fixture->store, key, host_a);
    run_sql(&fixture->file, "DROP TABLE RouteEdit");
    assert_int_equal(store_open(&store, fixture->file.path, STORE_EXISTING, error), 0);
    assert_int_equal(read_log(store).rows, 0);
    assert_int_equal(read_count(store, key), 1);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM sqlite_schema WHERE name = 'RouteEdit'"),
                     0);
    assert_int_equal(add(store, key, host_b).number, 1);
    assert_int_equal(read_log(store).rows, 1);
    store_close(store);
}

static void plain_sql_cannot_put_a_host_twice_into_a_route(void **state)
{
    struct fixture *fixture = *state;
    add(fixture->store, key, host_a);
    assert_int_equal(sqlite3_exec(fixture->file.sql,
                                  "INSERT INTO RouteData (modid, cmdid, serverip, serverport)"
                                  " VALUES (1, 4294967295, 167772161, 80)",
                                  NULL, NULL, NULL),
                     SQLITE_CONSTRAINT);
}

static void hosts_that_no_one_can_call_are_not_read(void **state)
{
    struct fixture *fixture = *state;
    add(fixture->store, key, host_a);
    run_sql(&fixture->file, "PRAGMA ignore_check_constraints = ON");
    run_sql(&fixture->file,
            "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 4294967295, 0, 80),"
            " (1, 4294967295, -1, 80), (1, 4294967295, 4294967296, 80), (1, 4294967295, 1, 0),"
            " (1, 4294967295, 1, 65536)");
    assert_int_equal(read_count(fixture->store, key), 1);
}

static void reading_stops_at_the_room_that_is_given(void **state)
{
    struct fixture *fixture = *state;
    struct host_addr hosts[2] = {{0}};
    size_t count;
    add(fixture->store, key, host_a);
    add(fixture->store, key, host_b);
    assert_int_equal(store_read(fixture->store, key, hosts, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(hosts[0].address, host_a.address);
    assert_int_equal(hosts[1].address, 0);
}

/* Keys that a poll names. */
struct polled {
    int count;
    struct route_key last;
};

static void on_changed(void *arg, struct route_key changed)
{
    struct polled *polled = arg;
    polled->count++;
    polled->last = changed;
}

static int poll_count(struct store *store)
{
    struct polled polled = {0};
    assert_true(store_poll(store, on_changed, &polled) >= 0);
    return polled.count;
}

static void change_through_another_handle_is_noticed_once(void **state)
{
    struct fixture *fixture = *state;
    struct store *editor;
    char error[STORE_ERROR_SIZE];
    struct polled polled = {0};
    assert_int_equal(store_open(&editor, fixture->file.path, STORE_EXISTING, error), 0);
    poll_count(fixture->store);
    assert_int_equal(store_poll(fixture->store, on_changed, &polled), 0);
    add(editor, key, host_b);
    assert_int_equal(store_poll(fixture->store, on_changed, &polled), 1);
    assert_int_equal(polled.count, 1);
    assert_int_equal(route_key_number(polled.last), route_key_number(key));
    assert_int_equal(store_poll(fixture->store, on_changed, &polled), 0);
    add(editor, (struct route_key){3, 4}, host_b);
    assert_int_equal(poll_count(fixture->store), 1);
    store_close(editor);
}

static void g2_reads_at_once_see_one_state_and_later_ones_and_polls_the_edit(void **state)
{
    struct fixture *fixture = *state;
    const struct route_key other = {3, 4};
    struct store *editor;
    char error[STORE_ERROR_SIZE];
    assert_int_equal(store_open(&editor, fixture->file.path, STORE_EXISTING, error), 0);
    poll_count(fixture->store);
    assert_int_equal(store_begin_reading(fixture->store), 0);
    assert_int_equal(read_count(fixture->store, key), 0);
    add(editor, key, host_a);
    add(editor, other, host_a);
    assert_int_equal(read_count(fixture->store, other), 0);
    store_end_reading(fixture->store);
    assert_int_equal(read_count(fixture->store, other), 1);
    assert_int_equal(poll_count(fixture->store), 2);
    store_close(editor);
}

static void reading_at_once_ends_with_a_read_that_fails(void **state)
{
    struct fixture *fixture = *state;
    struct host_addr hosts[8];
    size_t count;
    run_sql(&fixture->file, "ALTER TABLE RouteData RENAME TO Elsewhere");
    assert_int_equal(store_begin_reading(fixture->store), 0);
    assert_int_equal(store_read(fixture->store, key, hosts, 8, &count), -1);
    run_sql(&fixture->file, "ALTER TABLE Elsewhere RENAME TO RouteData");
    assert_int_equal(read_count(fixture->store, key), 0);
    store_end_reading(fixture->store);
    add(fixture->store, key, host_a);
    assert_int_equal(read_count(fixture->store, key), 1);
}

static void change_row_ahead_of_the_version_is_noticed_when_the_version_comes(void **state)
{
    struct fixture *fixture = *state;
    poll_count(fixture->store);
    run_sql(&fixture->file, "INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 100)");
    assert_int_equal(poll_count(fixture->store), 0);
    run_sql(&fixture->file, "INSERT INTO RouteChange (modid, cmdid, version) VALUES (2, 2, 50)");
    run_sql(&fixture->file, "UPDATE RouteVersion SET version = 50");
    assert_int_equal(poll_count(fixture->store), 1);
    run_sql(&fixture->file, "UPDATE RouteVersion SET version = 100");
    assert_int_equal(poll_count(fixture->store), 2);
    run_sql(&fixture->file, "UPDATE RouteVersion SET version = 101");
    assert_int_equal(poll_count(fixture->store), 0);
}

static void changes_are_noticed_although_another_directory_deletes_their_rows(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 3; i++) {
        run_sql(&fixture->file, "INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 1)");
        run_sql(&fixture->file, "UPDATE RouteVersion SET version = version + 1");
        assert_int_equal(poll_count(fixture->store), 1);
        run_sql(&fixture->file, "DELETE FROM RouteChange");
    }
}

static void cleaning_deletes_only_old_rows_that_were_handled(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "UPDATE RouteVersion SET version = unixepoch()");
    run_sql(&fixture->file,
            "INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, unixepoch() - 3600),"
            " (2, 2, unixepoch() - 3600), (3, 3, unixepoch())");
    assert_int_equal(store_clean(fixture->store), 0);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 3);
    assert_int_equal(poll_count(fixture->store), 3);
    run_sql(&fixture->file,
            "INSERT INTO RouteChange (modid, cmdid, version) VALUES (4, 4, unixepoch() - 3600)");
    assert_int_equal(store_clean(fixture->store), 0);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange WHERE modid IN (3, 4)"), 2);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 2);
}

static void cleaning_does_not_wait_for_an_editor(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 0)");
    assert_int_equal(poll_count(fixture->store), 1);
    run_sql(&fixture->file, "BEGIN IMMEDIATE");
    assert_int_equal(store_clean(fixture->store), 0);
    run_sql(&fixture->file, "COMMIT");
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 1);
}

static void expect_refused(const char *path, enum store_mode mode, const char *word)
{
    struct store *store = NULL;
    char error[STORE_ERROR_SIZE] = "";
    assert_int_equal(store_open(&store, path, mode, error), -1);
    assert_null(store);
    if (!strstr(error, word))
        fail_msg("'%s' does not say '%s'", error, word);
}

static void database_of_another_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "PRAGMA user_version = 2");
    expect_refused(fixture->file.path, STORE_CREATE, "user_version 2");
}

static void database_of_another_program_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    run_sql(&fixture->file, "PRAGMA user_version = 0");
    run_sql(&fixture->file, "DROP TABLE RouteData");
    expect_refused(fixture->file.path, STORE_CREATE, "another program");
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM sqlite_schema WHERE name = 'RouteData'"),
                     0);
}

static void file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char path[80], content[2048];
    memset(content, 'x', sizeof(content));
    snprintf(path, sizeof(path), "%s/text", fixture->file.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, sizeof(content), file), sizeof(content));
    fclose(file);
    expect_refused(path, STORE_CREATE, "not a SQLite database");
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(content, 1, sizeof(content), file), sizeof(content));
    fclose(file);
    assert_int_equal(content[0], 'x');
    unlink(path);
    expect_refused(path, STORE_EXISTING, "does it exist");
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(edit_moves_data_change_and_version_together),
        TEST(version_grows_with_each_edit_even_within_a_second_or_ahead_of_the_clock),
        TEST(edit_that_changes_nothing_leaves_change_and_version_alone),
        TEST(rolled_back_edit_leaves_nothing),
        TEST(a_route_that_is_set_has_the_new_hosts_and_no_others_and_is_never_seen_empty),
        TEST(each_edit_is_kept_with_time_user_and_hosts_before_and_after),
        TEST(an_edit_is_undone_and_an_undo_as_well_until_the_route_has_changed_since),
        TEST(the_log_is_bounded_and_numbers_never_come_again),
        TEST(a_database_without_a_log_is_read_and_gets_one_with_the_first_edit),
        TEST(plain_sql_cannot_put_a_host_twice_into_a_route),
        TEST(hosts_that_no_one_can_call_are_not_read),
        TEST(reading_stops_at_the_room_that_is_given),
        TEST(change_through_another_handle_is_noticed_once),
        TEST(g2_reads_at_once_see_one_state_and_later_ones_and_polls_the_edit),
        TEST(reading_at_once_ends_with_a_read_that_fails),
        TEST(change_row_ahead_of_the_version_is_noticed_when_the_version_comes),
        TEST(changes_are_noticed_although_another_directory_deletes_their_rows),
        TEST(cleaning_deletes_only_old_rows_that_were_handled),
        TEST(cleaning_does_not_wait_for_an_editor),
        TEST(database_of_another_version_is_refused),
        TEST(database_of_another_program_is_refused_and_left_alone),
        TEST(file_that_is_no_database_is_refused_and_left_alone),
    };
    return cmocka_run_group_tests_name("unit/dns/store", tests, NULL, NULL);
}
