/* SPDX-License-Identifier: MIT */
/*
 * The snapshot's file, call by call: for each n, a child replaces it and dies before its n-th call to the system, or, of a
 * write, when half of it is done. The file is the old one or the new one then, whole, and the next one can be written.
 * A machine that loses its power keeps less: what counts there is that the file is on the disk before it gets the name.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetcher/snapshot_file.h"

enum {
    OLD_SIZE = 50000,
    NEW_SIZE = 70000,
    DIED = 42,
    CALLS_MAX = 64,
};

static char folder[] = "/tmp/larshm-snapshot-XXXXXX", path[64];
static uint8_t old_bytes[OLD_SIZE], new_bytes[NEW_SIZE];

/* ---- the calls ---- */

static unsigned die_at, calls; /* 0: nowhere */
static bool die_halfway;
static char said[CALLS_MAX + 1]; /* a letter for each call */

static void call(char letter)
{
    if (++calls == die_at && !die_halfway)
        _exit(DIED);
    if (calls <= CALLS_MAX)
        said[calls - 1] = letter;
}

int __real_unlink(const char *name);
int __real_open(const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);

int __wrap_unlink(const char *name);
int __wrap_open(const char *name, int flags, ...);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);

int __wrap_unlink(const char *name)
{
    call('u');
    return __real_unlink(name);
}

int __wrap_open(const char *name, int flags, ...)
{
    call(flags & O_DIRECTORY ? 'd' : 'o');
    return __real_open(name, flags, 0600);
}

/* In pieces, as a system may do it. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    call('w');
    if (calls == die_at) {
        (void)!__real_write(fd, bytes, size / 2);
        _exit(DIED);
    }
    return __real_write(fd, bytes, size > 16384 ? 16384 : size);
}

int __wrap_fsync(int fd)
{
    call('s');
    return __real_fsync(fd);
}

int __wrap_close(int fd)
{
    call('c');
    return __real_close(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    call('r');
    return __real_rename(from, to);
}

/* ---- */

static int write_bytes(const uint8_t *bytes, size_t size)
{
    const char *step;
    return snapshot_file_write(path, bytes, size, &step);
}

static bool file_is(const uint8_t *bytes, size_t size)
{
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    uint8_t *found;
    size_t found_size;
    if (snapshot_file_read(path, 1 << 20, &found, &found_size, text) != SNAPSHOT_FILE_READ)
        return false;
    bool same = found_size == size && memcmp(found, bytes, size) == 0;
    free(found);
    return same;
}

/* Returns whether the child died: it has made fewer calls otherwise. */
static bool die_while_it_is_replaced(unsigned n, bool halfway)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        die_at = n;
        die_halfway = halfway;
        calls = 0;
        _exit(write_bytes(new_bytes, NEW_SIZE));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == DIED;
}

static void file_is_the_old_or_the_new_one_wherever_its_writer_dies(void **state)
{
    (void)state;
    bool replaced = false, died = true;
    for (unsigned n = 1; died; n++) {
        assert_int_equal(write_bytes(old_bytes, OLD_SIZE), 0);
        died = die_while_it_is_replaced(n, false);
        bool is_new = file_is(new_bytes, NEW_SIZE);
        assert_true(is_new || file_is(old_bytes, OLD_SIZE));
        assert_true(is_new || !replaced); /* once it is there, it stays */
        replaced = is_new;
    }
    assert_true(replaced);
}

static void file_is_the_old_one_if_its_writer_dies_amid_a_write(void **state)
{
    (void)state;
    unsigned deaths = 0;
    for (unsigned n = 1; n < 20; n++) {
        assert_int_equal(write_bytes(old_bytes, OLD_SIZE), 0);
        if (!die_while_it_is_replaced(n, true))
            continue;
        assert_true(file_is(old_bytes, OLD_SIZE));
        deaths++;
    }
    assert_true(deaths > 1);
}

static void file_is_on_the_disk_before_it_gets_the_name_and_the_name_after_it(void **state)
{
    (void)state;
    memset(said, 0, sizeof(said));
    calls = 0;
    assert_int_equal(write_bytes(old_bytes, OLD_SIZE), 0);
    assert_string_equal(said, "uowwwwscrdsc");
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/x", folder);
    memset(old_bytes, 'o', sizeof(old_bytes));
    memset(new_bytes, 'n', sizeof(new_bytes));
    return 0;
}

static int remove_folder(void **state)
{
    char next[80];
    (void)state;
    snprintf(next, sizeof(next), "%s.next", path);
    unlink(path);
    unlink(next);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_the_old_or_the_new_one_wherever_its_writer_dies),
        cmocka_unit_test(file_is_the_old_one_if_its_writer_dies_amid_a_write),
        cmocka_unit_test(file_is_on_the_disk_before_it_gets_the_name_and_the_name_after_it),
    };
    return cmocka_run_group_tests_name("crash/snapshot", tests, make_folder, remove_folder);
}
