/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetcher/snapshot_format.h"

enum {
    MOST = 1 << 20,
    SIZE = 300000,
};

static char folder[32], path[64], next[96], other[96];
static uint8_t contents[SIZE];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/larshm-snapshot-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/one.snapshot", folder);
    snprintf(next, sizeof(next), "%s.next", path);
    snprintf(other, sizeof(other), "%s.other", path);
    for (size_t i = 0; i < SIZE; i++)
        contents[i] = (uint8_t)(i * 7 + i / 251);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chmod(folder, 0700);
    unlink(path);
    unlink(next);
    unlink(other);
    return rmdir(folder);
}

static int write_file(size_t size, const char **step)
{
    return snapshot_file_write(path, contents, size, step);
}

static void expect_contents(size_t size)
{
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *bytes;
    size_t got;
    assert_int_equal(snapshot_file_read(path, MOST, &bytes, &got, text), SNAPSHOT_FILE_READ);
    assert_int_equal(got, size);
    assert_memory_equal(bytes, contents, size);
    free(bytes);
}

static void expect_refused(const char *expected)
{
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *bytes;
    size_t got;
    assert_int_equal(snapshot_file_read(path, MOST, &bytes, &got, text), SNAPSHOT_FILE_REFUSED);
    assert_string_equal(text, expected);
}

static void expect_in_the_way(const char *instance, const char *begin)
{
    const char *text = snapshot_file_in_the_way(path, instance);
    assert_non_null(text);
    assert_memory_equal(text, begin, strlen(begin));
}

static void expect_free(const char *instance)
{
    assert_null(snapshot_file_in_the_way(path, instance));
}

/* The first so many bytes of one. */
static void put_snapshot(const char *instance, size_t size)
{
    const char *step;
    uint8_t head[SNAPSHOT_HEADER] = {0};
    const uint64_t magic = htole64(SNAPSHOT_MAGIC);
    memcpy(head, &magic, sizeof(magic));
    strcpy((char *)head + SNAPSHOT_INSTANCE, instance);
    memcpy(contents, head, sizeof(head));
    assert_int_equal(write_file(size, &step), 0);
}

static void what_is_written_is_read_and_of_this_user_alone(void **state)
{
    (void)state;
    const char *step;
    struct stat st;
    umask(0);
    assert_int_equal(write_file(SIZE, &step), 0);
    expect_contents(SIZE);
    assert_int_equal(write_file(10, &step), 0);
    expect_contents(10);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access(next, F_OK), -1);
}

static void no_file_is_no_fault(void **state)
{
    (void)state;
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *bytes;
    size_t got;
    assert_int_equal(snapshot_file_read(path, MOST, &bytes, &got, text), SNAPSHOT_FILE_NONE);
}

static void what_another_user_may_have_put_there_is_not_read(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(write_file(10, &step), 0);
    assert_int_equal(chmod(path, 0620), 0);
    expect_refused("can be written by others");
    assert_int_equal(chmod(path, 0602), 0);
    expect_refused("can be written by others");
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        expect_refused("belongs to another user");
    }
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    expect_refused("is a symbolic link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused("is no regular file");
}

static void g10_file_that_is_too_large_is_not_read(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(write_file(10, &step), 0);
    assert_int_equal(truncate(path, MOST), 0);
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *bytes;
    size_t got;
    assert_int_equal(snapshot_file_read(path, MOST, &bytes, &got, text), SNAPSHOT_FILE_READ);
    free(bytes);
    assert_int_equal(truncate(path, MOST + 1), 0);
    expect_refused("is larger than [shm] max_bytes allows");
}

/* As on a disk that is full. */
static void file_stays_where_the_new_one_finds_no_room(void **state)
{
    (void)state;
    const char *step;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(write_file(1000, &step), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int error = write_file(SIZE, &step);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, EFBIG);
    assert_string_equal(step, "write");
    expect_contents(1000);
    assert_int_equal(access(next, F_OK), -1);
}

static void leftover_of_a_dead_fetcher_is_replaced(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(symlink("/nowhere", next), 0);
    assert_int_equal(write_file(10, &step), 0);
    expect_contents(10);
}

static void folder_that_is_not_there_is_named_by_the_step(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(snapshot_file_write("/tmp/larshm-no-such-folder/x", contents, 10, &step), ENOENT);
    assert_string_equal(step, "create");
}

static void file_that_is_put_aside_has_another_name(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(write_file(10, &step), 0);
    assert_int_equal(snapshot_file_put_aside(path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(snapshot_file_put_aside(path), ENOENT);
}

/* A mistake in the configuration: it has data of its own. */
static void what_is_there_by_mistake_is_in_the_way(void **state)
{
    (void)state;
    const char *step;
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused("is no regular file");
    expect_in_the_way("one", "is no regular file: ");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(write_file(10, &step), 0);
    expect_in_the_way("one", "is no snapshot: ");
    assert_int_equal(write_file(SIZE, &step), 0);
    expect_in_the_way("one", "is no snapshot: ");
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    expect_in_the_way("one", "is a symbolic link: ");
}

static void snapshot_of_another_instance_is_in_the_way(void **state)
{
    (void)state;
    put_snapshot("one", SIZE);
    expect_free("one");
    expect_in_the_way("on", "is the snapshot of another instance: ");
    expect_in_the_way("one2", "is the snapshot of another instance: ");
}

static void nothing_an_empty_file_and_a_damaged_snapshot_are_not_in_the_way(void **state)
{
    (void)state;
    const char *step;
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *bytes;
    size_t got;
    expect_free("one");
    assert_int_equal(write_file(0, &step), 0);
    expect_free("one");
    assert_int_equal(snapshot_file_read(path, MOST, &bytes, &got, text), SNAPSHOT_FILE_NONE);
    put_snapshot("one", 10); /* cut off before its name */
    expect_free("one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_is_written_is_read_and_of_this_user_alone),
        TEST(no_file_is_no_fault),
        TEST(what_another_user_may_have_put_there_is_not_read),
        TEST(g10_file_that_is_too_large_is_not_read),
        TEST(file_stays_where_the_new_one_finds_no_room),
        TEST(leftover_of_a_dead_fetcher_is_replaced),
        TEST(folder_that_is_not_there_is_named_by_the_step),
        TEST(file_that_is_put_aside_has_another_name),
        TEST(what_is_there_by_mistake_is_in_the_way),
        TEST(snapshot_of_another_instance_is_in_the_way),
        TEST(nothing_an_empty_file_and_a_damaged_snapshot_are_not_in_the_way),
#undef TEST
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_file", tests, NULL, NULL);
}
