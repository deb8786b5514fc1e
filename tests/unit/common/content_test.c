/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/database_file.h"
#include "tests/support/eventually.h"
#include "tools/common/content.h"

enum {
    LONG_FILE = 300 << 20, /* is not summed */
    NEXT_SECOND_MS = 1100, /* a sum after a checkpoint comes no sooner than that */
};

/* A database with rows in the file itself, and none in its -wal. */
static int setup(void **state)
{
    struct database_file *file = malloc(sizeof(*file));
    assert_non_null(file);
    database_file_init(file);
    database_file_open(file);
    run_sql(file, "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES (hex(zeroblob(9999)));"
                  "PRAGMA wal_checkpoint(TRUNCATE)");
    *state = file;
    return 0;
}

static int teardown(void **state)
{
    database_file_dispose(*state);
    free(*state);
    return 0;
}

static enum content_state check(const struct database_file *file, struct content *content)
{
    return content_check(file->sql, file->path, content);
}

/* A time of the file that it has not had. */
static void touch(const struct database_file *file)
{
    static time_t time = 1000000000;
    time++;
    const struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};
    assert_int_equal(utimensat(AT_FDCWD, file->path, times, 0), 0);
}

/* Gives a byte of the file another value; twice gives it the old one. By a descriptor of its own SQLite's locks would end. */
static void flip_byte(const struct database_file *file, off_t at)
{
    uint8_t byte;
    sqlite3_file *own = NULL;
    assert_int_equal(sqlite3_file_control(file->sql, "main", SQLITE_FCNTL_FILE_POINTER, &own), SQLITE_OK);
    assert_int_equal(own->pMethods->xRead(own, &byte, 1, at), SQLITE_OK);
    byte ^= 1;
    assert_int_equal(own->pMethods->xWrite(own, &byte, 1, at), SQLITE_OK);
    touch(file);
}

static off_t size_of(const struct database_file *file)
{
    struct stat st;
    assert_int_equal(stat(file->path, &st), 0);
    return st.st_size;
}

static void touch_is_no_overwrite(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check(file, &content), CONTENT_SOUND);
        touch(file);
        assert_int_equal(check(file, &content), CONTENT_SOUND);
        run_sql(file, "INSERT INTO t VALUES (1)");
    }
}

static void any_other_byte_is_an_overwrite(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    const off_t places[] = {100, 4096 + 77, size_of(file) - 1};
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        flip_byte(file, places[i]);
        assert_int_equal(check(file, &content), CONTENT_REPLACED);
        flip_byte(file, places[i]);
        assert_int_equal(check(file, &content), CONTENT_SOUND);
    }
}

static void overwrite_beside_edits_in_the_wal_ends_when_the_old_content_is_put_back(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    run_sql(file, "INSERT INTO t VALUES (1)");
    flip_byte(file, 5000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(check(file, &content), CONTENT_MIXED);
        touch(file);
    }
    flip_byte(file, 5000);
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    assert_int_equal(check(file, &content), CONTENT_SOUND);
}

static void overwrite_beside_edits_in_the_wal_does_not_end_with_a_checkpoint(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    run_sql(file, "INSERT INTO t VALUES (1)");
    flip_byte(file, 5000);
    assert_int_equal(check(file, &content), CONTENT_MIXED);
    run_sql(file, "PRAGMA wal_checkpoint");
    pause_ms(NEXT_SECOND_MS);
    assert_int_equal(check(file, &content), CONTENT_MIXED);
}

static void checkpoint_is_no_overwrite_and_one_after_it_is_noticed(void **state)
{
    static const char *const checkpoints[] = {"PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint(TRUNCATE)",
                                              "VACUUM; PRAGMA wal_checkpoint"};
    struct database_file *file = *state;
    struct content content = {0};
    for (size_t i = 0; i < sizeof(checkpoints) / sizeof(*checkpoints); i++) {
        assert_int_equal(check(file, &content), CONTENT_SOUND);
        run_sql(file, "INSERT INTO t VALUES (1)");
        run_sql(file, checkpoints[i]);
        assert_int_equal(check(file, &content), CONTENT_SOUND);
        pause_ms(NEXT_SECOND_MS);
        assert_int_equal(check(file, &content), CONTENT_SOUND);
        flip_byte(file, 100);
        assert_int_equal(check(file, &content), CONTENT_REPLACED);
        flip_byte(file, 100);
    }
}

/* Leaves an edit in the -wal, as a program does that is killed. */
static void edit_and_crash(const struct database_file *file)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *sql;
        bool done = sqlite3_open(file->path, &sql) == SQLITE_OK &&
                    sqlite3_exec(sql, "INSERT INTO t VALUES (1)", NULL, NULL, NULL) == SQLITE_OK;
        _exit(done ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void overwrite_is_noticed_although_a_crash_left_edits_in_the_wal(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    sqlite3_close(file->sql);
    edit_and_crash(file);
    database_file_open(file);
    assert_int_equal(ask_sql(file, "SELECT count(*) FROM t"), 2);
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    flip_byte(file, 100);
    assert_int_equal(check(file, &content), CONTENT_REPLACED);
    flip_byte(file, 100);
}

static void of_a_long_file_only_the_size_counts(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    assert_int_equal(truncate(file->path, LONG_FILE), 0);
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    flip_byte(file, LONG_FILE - 1);
    assert_int_equal(check(file, &content), CONTENT_SOUND);
    assert_int_equal(truncate(file->path, LONG_FILE + 4096), 0);
    touch(file);
    assert_int_equal(check(file, &content), CONTENT_REPLACED);
}

static void file_without_a_header_is_lost(void **state)
{
    struct database_file *file = *state;
    struct content content = {0};
    assert_false(content_lost(file->sql));
    flip_byte(file, 3);
    assert_true(content_lost(file->sql));
    assert_int_equal(check(file, &content), CONTENT_LOST);
    assert_int_equal(truncate(file->path, 0), 0);
    assert_int_equal(check(file, &content), CONTENT_LOST);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(touch_is_no_overwrite),
        TEST(any_other_byte_is_an_overwrite),
        TEST(overwrite_beside_edits_in_the_wal_ends_when_the_old_content_is_put_back),
        TEST(overwrite_beside_edits_in_the_wal_does_not_end_with_a_checkpoint),
        TEST(checkpoint_is_no_overwrite_and_one_after_it_is_noticed),
        TEST(overwrite_is_noticed_although_a_crash_left_edits_in_the_wal),
        TEST(of_a_long_file_only_the_size_counts),
        TEST(file_without_a_header_is_lost),
    };
    return cmocka_run_group_tests_name("unit/common/content", tests, NULL, NULL);
}
