/* SPDX-License-Identifier: MIT */
/* A lock between processes: its contenders here are children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/writer/lock.h"

static char name[64];

static int setup(void **state)
{
    (void)state;
    snprintf(name, sizeof(name), "/larshm.test-lock-%ld", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shm_unlink(name);
    return 0;
}

/* What another process gets; `holder` is what it must get. */
static int taken_by_a_child(pid_t holder)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd;
        pid_t found = 0;
        enum shm_status status = lock_take(name, &fd, &found);
        _exit(status == SHM_RUNNING && found != holder ? 255 : (int)status);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void a_second_process_is_refused_with_the_pid_of_the_first(void **state)
{
    int fd;
    pid_t holder;
    (void)state;
    assert_int_equal(lock_take(name, &fd, &holder), SHM_OK);
    assert_int_equal(taken_by_a_child(getpid()), SHM_RUNNING);
    close(fd);
    assert_int_equal(taken_by_a_child(0), SHM_OK);
}

static void the_lock_ends_with_its_process(void **state)
{
    (void)state;
    assert_int_equal(taken_by_a_child(0), SHM_OK);
    assert_int_equal(taken_by_a_child(0), SHM_OK);
}

static void a_lock_that_others_may_open_is_refused(void **state)
{
    int fd;
    pid_t holder;
    (void)state;
    int lock = shm_open(name, O_CREAT | O_RDWR, 0600);
    assert_true(lock >= 0);
    assert_int_equal(fchmod(lock, 0660), 0);
    assert_int_equal(lock_take(name, &fd, &holder), SHM_UNSAFE);
    if (geteuid() == 0) {
        assert_int_equal(fchmod(lock, 0600), 0);
        assert_int_equal(fchown(lock, 65534, 65534), 0);
        assert_int_equal(lock_take(name, &fd, &holder), SHM_FOREIGN);
    }
    close(lock);
}

static void a_lock_that_lost_its_name_knows_it(void **state)
{
    int fd, another;
    pid_t holder;
    (void)state;
    assert_int_equal(lock_take(name, &fd, &holder), SHM_OK);
    assert_true(lock_is_named(fd, name));
    shm_unlink(name);
    assert_false(lock_is_named(fd, name));
    assert_int_equal(lock_take(name, &another, &holder), SHM_OK);
    assert_false(lock_is_named(fd, name));
    close(fd);
    close(another);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_second_process_is_refused_with_the_pid_of_the_first),
        TEST(the_lock_ends_with_its_process),
        TEST(a_lock_that_others_may_open_is_refused),
        TEST(a_lock_that_lost_its_name_knows_it),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/lock", tests, NULL, NULL);
}
