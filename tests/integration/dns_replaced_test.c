/* SPDX-License-Identifier: MIT */
/* What a directory does when its database is replaced, deleted, or restored from a backup while it serves. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/dns.h"

static const struct route_key kept = {1, 1}, changed = {1, 2}, deleted = {1, 3}, added = {1, 4};

enum {
    LOGGED_MS = 1500, /* a second line would have come in this time */
};

static void path_of(const struct dns *dns, const char *name, char path[static 80])
{
    snprintf(path, 80, "%s/%s", dns->file.directory, name);
}

static void rename_in(const struct dns *dns, const char *from, const char *to)
{
    char old_path[80], new_path[80];
    path_of(dns, from, old_path);
    path_of(dns, to, new_path);
    assert_int_equal(rename(old_path, new_path), 0);
}

static void remove_in(const struct dns *dns, const char *name)
{
    char path[80];
    path_of(dns, name, path);
    assert_int_equal(unlink(path), 0);
}

static void edit(const struct dns *dns, const char *name, struct route_key key, uint32_t ip)
{
    char path[80], error[STORE_ERROR_SIZE];
    struct store_edit done;
    struct store *store;
    path_of(dns, name, path);
    if (store_open(&store, path, STORE_CREATE, error) != 0)
        fail_msg("%s", error);
    assert_int_equal(store_begin(store), 0);
    assert_int_equal(store_add(store, key, (struct host_addr){htonl(ip), htons(80)}), 1);
    assert_int_equal(store_commit(store, &done), 0);
    store_close(store);
}

/* A client that has the routes of the first database: three, without the one that is added. */
static struct dns_client subscribe_all(const struct dns *dns)
{
    struct dns_client client = dns_connect(dns, 0);
    dns_add(dns, kept, 1, 1);
    dns_add(dns, changed, 1, 1);
    dns_add(dns, deleted, 1, 1);
    const struct route_key keys[] = {kept, changed, deleted, added};
    for (size_t i = 0; i < 4; i++) {
        dns_ask(&client, keys[i]);
        assert_int_equal(dns_receive_hosts(&client, keys[i], NULL), i < 3);
    }
    return client;
}

/* The other database, which lacks a route and has a new one. */
static void make_other(const struct dns *dns)
{
    char path[80], error[STORE_ERROR_SIZE];
    struct store_edit done;
    struct store *store;
    path_of(dns, "other.db", path);
    assert_int_equal(store_open(&store, path, STORE_CREATE, error), 0);
    assert_int_equal(store_begin(store), 0);
    store_add(store, kept, (struct host_addr){htonl(1), htons(8080)});
    store_add(store, changed, (struct host_addr){htonl(2), htons(8080)});
    store_add(store, added, (struct host_addr){htonl(3), htons(8080)});
    assert_int_equal(store_commit(store, &done), 0);
    store_close(store);
}

/* The client gets what differs between the two databases, in any order, and nothing else. */
static void expect_other(struct dns_client *client)
{
    unsigned seen = 0;
    for (int i = 0; i < 3; i++) {
        Lars__GetRouteResponse *response = dns_receive(client);
        assert_non_null(response);
        uint32_t ip = response->n_host ? (uint32_t)response->host[0]->ip : 0;
        switch (response->cmdid) {
        case 2:
            assert_int_equal(ip, 2);
            break;
        case 3:
            assert_int_equal(ip, 0);
            break;
        default:
            assert_int_equal(response->cmdid, 4);
            assert_int_equal(ip, 3);
        }
        seen |= 1u << response->cmdid;
        lars__get_route_response__free_unpacked(response, NULL);
    }
    assert_int_equal(seen, 1u << 2 | 1u << 3 | 1u << 4);
    assert_false(dns_readable(client, DNS_QUIET_MS));
}

static void replaced_database_is_followed_and_what_differs_is_pushed(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    rename_in(dns, "other.db", "routes.db");
    remove_in(dns, "routes.db-wal");
    remove_in(dns, "routes.db-shm");
    expect_other(&client);
    assert_int_equal(
        process_said(&dns->process, "the database was replaced: it has 3 routes with 3 hosts now"), 1);
    edit(dns, "routes.db", kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    dns_disconnect(&client);
}

/* The -wal of the one before holds all its edits: none was copied into the database itself. */
static void replaced_database_is_not_mixed_with_the_wal_of_the_one_before(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    rename_in(dns, "other.db", "routes.db");
    expect_other(&client);
    edit(dns, "routes.db", kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    dns_disconnect(&client);
}

static void database_moved_away_is_whole(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    rename_in(dns, "routes.db", "old.db");
    rename_in(dns, "other.db", "routes.db");
    expect_other(&client);
    char path[80], error[STORE_ERROR_SIZE];
    struct store *old;
    struct store_size size;
    path_of(dns, "old.db", path);
    assert_int_equal(store_open(&old, path, STORE_EXISTING, error), 0);
    assert_int_equal(store_measure(old, &size), 0);
    assert_int_equal(size.hosts, 3);
    store_close(old);
    remove_in(dns, "old.db");
    /* SQLite leaves this: for it, the file that was moved is still open in this process. */
    remove_in(dns, "old.db-wal");
    dns_disconnect(&client);
}

static void without_its_database_the_directory_serves_on_and_edits_are_refused(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    rename_in(dns, "routes.db", "away.db");
    eventually(process_said(&dns->process, "was deleted or moved away: put it, or another, there") == 1);
    struct store *store;
    char error[STORE_ERROR_SIZE];
    assert_int_equal(store_open(&store, dns->file.path, STORE_CREATE, error), -1);
    assert_non_null(strstr(error, "deleted while a program had it open"));
    throughout(LOGGED_MS, process_said(&dns->process, "was deleted or moved away") == 1);
    dns_ask(&client, changed);
    assert_int_equal(dns_receive_hosts(&client, changed, NULL), 1);
    rename_in(dns, "away.db", "routes.db");
    eventually(process_said(&dns->process, "the database is back") == 1);
    dns_add(dns, kept, 2, 1);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    dns_disconnect(&client);
}

static void deleted_database_is_followed_when_another_is_there(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    remove_in(dns, "routes.db");
    eventually(process_said(&dns->process, "was deleted or moved away") == 1);
    make_other(dns);
    rename_in(dns, "other.db", "routes.db");
    expect_other(&client);
    dns_disconnect(&client);
}

static void file_that_is_no_database_is_not_followed(void **state)
{
    struct dns *dns = *state;
    char path[80];
    struct dns_client client = subscribe_all(dns);
    for (int empty = 0; empty < 2; empty++) {
        path_of(dns, "text", path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (int i = 0; !empty && i < 1000; i++)
            fputs("no database\n", file);
        fclose(file);
        rename_in(dns, "text", "routes.db");
        eventually(process_said(&dns->process,
                                empty ? "is empty, without the tables" : "is not a SQLite database") == 1);
    }
    throughout(LOGGED_MS, process_said(&dns->process, "was replaced by a file that cannot be used") == 2);
    dns_ask(&client, changed);
    assert_int_equal(dns_receive_hosts(&client, changed, NULL), 1);
    make_other(dns);
    rename_in(dns, "other.db", "routes.db");
    expect_other(&client);
    dns_disconnect(&client);
}

/* What the test has open of a database would otherwise go on with the -wal that is gone. */
static void close_all(struct dns *dns)
{
    store_close(dns->store);
    dns->store = NULL;
    sqlite3_close(dns->file.sql);
    dns->file.sql = NULL;
}

static void write_in_place(const struct dns *dns, const void *bytes, size_t size)
{
    FILE *file = fopen(dns->file.path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* As `cp other.db routes.db` does. */
static void copy_other_in_place(const struct dns *dns)
{
    static char bytes[1 << 20];
    char path[80];
    path_of(dns, "other.db", path);
    FILE *other = fopen(path, "r");
    assert_non_null(other);
    size_t size = fread(bytes, 1, sizeof(bytes), other);
    fclose(other);
    write_in_place(dns, bytes, size);
}

static void database_that_is_emptied_or_overwritten_in_place_is_named_once_and_edits_are_refused(void **state)
{
    static const struct {
        const char *bytes, *refused;
    } cases[] = {{"", "emptied while a program had it open"},
                 {"too short to be a database", "overwritten while a program had it open"}};
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    char error[STORE_ERROR_SIZE];
    for (size_t i = 0; i < 2; i++) {
        struct store *store;
        write_in_place(dns, cases[i].bytes, strlen(cases[i].bytes));
        eventually(process_said(&dns->process, "was emptied or overwritten, and is none any more") == 1);
        assert_int_equal(store_open(&store, dns->file.path, STORE_CREATE, error), -1);
        assert_non_null(strstr(error, cases[i].refused));
    }
    dns_ask(&client, changed);
    assert_int_equal(dns_receive_hosts(&client, changed, NULL), 1);
    throughout(LOGGED_MS, process_said(&dns->process, "was emptied or overwritten") == 1);
    assert_false(dns_readable(&client, DNS_QUIET_MS));
    dns_disconnect(&client);
}

static void database_written_into_an_emptied_file_is_followed(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    close_all(dns);
    write_in_place(dns, "", 0);
    eventually(process_said(&dns->process, "was emptied or overwritten") == 1);
    copy_other_in_place(dns);
    expect_other(&client);
    edit(dns, "routes.db", kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    remove_in(dns, "other.db");
    dns_disconnect(&client);
}

static void database_written_over_one_without_edits_in_its_wal_is_followed(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    run_sql(&dns->file, "PRAGMA wal_checkpoint");
    close_all(dns);
    assert_false(dns_readable(&client, LOGGED_MS)); /* the directory has seen that checkpoint */
    copy_other_in_place(dns);
    expect_other(&client);
    assert_int_equal(process_said(&dns->process, "the database was replaced"), 1);
    edit(dns, "routes.db", kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    remove_in(dns, "other.db");
    dns_disconnect(&client);
}

static void database_written_over_one_with_edits_in_its_wal_is_not_mixed_with_them(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    assert_false(dns_readable(&client, LOGGED_MS));
    copy_other_in_place(dns);
    eventually(process_said(&dns->process, "was overwritten in place") == 1);
    dns_ask(&client, changed);
    assert_int_equal(dns_receive_hosts(&client, changed, NULL), 1);
    throughout(LOGGED_MS, process_said(&dns->process, "was overwritten in place") == 1);
    remove_in(dns, "routes.db-wal");
    expect_other(&client);
    remove_in(dns, "other.db");
    dns_disconnect(&client);
}

/* As another program commits with a connection that it has had for long. */
static void commit_with_sql(const struct dns *dns, struct route_key key, uint32_t ip)
{
    char sql[320];
    snprintf(
        sql, sizeof(sql),
        "BEGIN; INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (%u, %u, %u, 80);"
        "UPDATE RouteVersion SET version = version + 1;"
        "INSERT INTO RouteChange (modid, cmdid, version) SELECT %u, %u, version FROM RouteVersion; COMMIT",
        key.modid, key.cmdid, ip, key.modid, key.cmdid);
    run_sql(&dns->file, sql);
}

/* As `touch routes.db` does. The directory has seen it when this returns, and has said nothing. */
static void touch_database(struct dns *dns, struct dns_client *client)
{
    assert_int_equal(utimensat(AT_FDCWD, dns->file.path, NULL, 0), 0);
    assert_false(dns_readable(client, LOGGED_MS));
    assert_int_equal(process_said(&dns->process, "the database"), 0);
    assert_int_equal(process_said(&dns->process, "overwritten"), 0);
}

static void touch_is_no_overwrite_while_edits_are_in_the_wal(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    assert_false(dns_readable(&client, LOGGED_MS));
    for (uint32_t i = 0; i < 2; i++) {
        touch_database(dns, &client);
        dns_add(dns, kept, 10 + i, 1);
        assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2 + i);
    }
    dns_disconnect(&client);
}

static void commit_after_a_touch_is_served_and_kept_though_the_wal_had_no_edits(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    run_sql(&dns->file, "PRAGMA wal_checkpoint");
    assert_false(dns_readable(&client, LOGGED_MS));
    touch_database(dns, &client);
    commit_with_sql(dns, kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    close_all(dns);
    database_file_open(&dns->file);
    assert_int_equal(ask_sql(&dns->file, "SELECT count(*) FROM RouteData WHERE serverip = 5"), 1);
    dns_disconnect(&client);
}

static void database_moved_over_one_that_was_overwritten_is_followed(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    make_other(dns);
    assert_false(dns_readable(&client, LOGGED_MS));
    copy_other_in_place(dns);
    eventually(process_said(&dns->process, "put the one that you want there with mv, not cp") == 1);
    rename_in(dns, "other.db", "routes.db");
    expect_other(&client);
    edit(dns, "routes.db", kept, 5);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    dns_disconnect(&client);
}

static void checkpoints_are_not_taken_for_another_database(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    for (uint32_t i = 0; i < 3; i++) {
        dns_add(dns, kept, 10 + i, 1);
        assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2 + i);
        run_sql(&dns->file, i == 1 ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA wal_checkpoint");
        assert_false(dns_readable(&client, LOGGED_MS));
    }
    run_sql(&dns->file, "VACUUM");
    assert_false(dns_readable(&client, LOGGED_MS));
    assert_int_equal(process_said(&dns->process, "the database"), 0);
    dns_disconnect(&client);
}

static void dropped_table_is_named_once_and_no_route_is_lost(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    run_sql(&dns->file, "ALTER TABLE RouteData RENAME TO Elsewhere");
    dns_ask(&client, changed);
    eventually(process_said(&dns->process, "no such table: RouteData; until that is repaired") == 1);
    throughout(LOGGED_MS, process_said(&dns->process, "no such table: RouteData") == 1);
    assert_false(dns_readable(&client, DNS_QUIET_MS));
    run_sql(&dns->file, "ALTER TABLE Elsewhere RENAME TO RouteData");
    eventually(process_said(&dns->process, "the database is back") == 1);
    assert_int_equal(dns_receive_hosts(&client, changed, NULL), 1);
    dns_add(dns, kept, 2, 1);
    assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2);
    dns_disconnect(&client);
}

static void edits_arrive_although_wal_and_shm_were_deleted(void **state)
{
    static const char *const names[] = {"routes.db-shm", "routes.db-wal"};
    struct dns *dns = *state;
    struct dns_client client = subscribe_all(dns);
    close_all(dns);
    for (size_t i = 0; i < 2; i++) {
        remove_in(dns, names[i]);
        eventually(process_said(&dns->process, "the database was replaced") == i + 1);
        edit(dns, "routes.db", kept, 5 + (uint32_t)i);
        assert_int_equal(dns_receive_hosts(&client, kept, NULL), 2 + i);
    }
    dns_ask(&client, deleted);
    assert_int_equal(dns_receive_hosts(&client, deleted, NULL), 1);
    dns_disconnect(&client);
}

/* As the sqlite3 shell's .restore does. */
static void backup_that_is_restored_into_the_database_is_pushed(void **state)
{
    struct dns *dns = *state;
    char path[80];
    sqlite3 *backup;
    make_other(dns);
    struct dns_client client = subscribe_all(dns);
    dns_add(dns, deleted, 2, 1);
    assert_int_equal(dns_receive_hosts(&client, deleted, NULL), 2);
    path_of(dns, "other.db", path);
    assert_int_equal(sqlite3_open(path, &backup), SQLITE_OK);
    sqlite3_backup *copy = sqlite3_backup_init(dns->file.sql, "main", backup, "main");
    assert_non_null(copy);
    assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
    assert_int_equal(sqlite3_backup_finish(copy), SQLITE_OK);
    sqlite3_close(backup);
    expect_other(&client);
    assert_int_equal(process_said(&dns->process, "the database was set back to an older version"), 1);
    remove_in(dns, "other.db");
    dns_disconnect(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dns_setup, dns_teardown)
    const struct CMUnitTest tests[] = {
        TEST(replaced_database_is_followed_and_what_differs_is_pushed),
        TEST(replaced_database_is_not_mixed_with_the_wal_of_the_one_before),
        TEST(database_moved_away_is_whole),
        TEST(without_its_database_the_directory_serves_on_and_edits_are_refused),
        TEST(deleted_database_is_followed_when_another_is_there),
        TEST(file_that_is_no_database_is_not_followed),
        TEST(database_that_is_emptied_or_overwritten_in_place_is_named_once_and_edits_are_refused),
        TEST(database_written_into_an_emptied_file_is_followed),
        TEST(database_written_over_one_without_edits_in_its_wal_is_followed),
        TEST(database_written_over_one_with_edits_in_its_wal_is_not_mixed_with_them),
        TEST(touch_is_no_overwrite_while_edits_are_in_the_wal),
        TEST(commit_after_a_touch_is_served_and_kept_though_the_wal_had_no_edits),
        TEST(database_moved_over_one_that_was_overwritten_is_followed),
        TEST(checkpoints_are_not_taken_for_another_database),
        TEST(dropped_table_is_named_once_and_no_route_is_lost),
        TEST(edits_arrive_although_wal_and_shm_were_deleted),
        TEST(backup_that_is_restored_into_the_database_is_pushed),
    };
    return cmocka_run_group_tests_name("integration/dns_replaced", tests, NULL, NULL);
}
