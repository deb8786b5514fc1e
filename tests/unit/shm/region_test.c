/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/region.h"
#include "tests/support/object_path.h"
#include "tests/support/sanitizer.h"

enum {
    SIZE = 8192
};

static char name[64], other_name[64];

static int setup(void **state)
{
    (void)state;
    snprintf(name, sizeof(name), "/larshm.test-region-%ld", (long)getpid());
    snprintf(other_name, sizeof(other_name), "/larshm.test-region-other-%ld", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shm_unlink(name);
    shm_unlink(other_name);
    return 0;
}

static struct region create(const char *object)
{
    struct region region;
    assert_int_equal(region_create(object, SIZE, 0640, (gid_t)-1, &region), SHM_OK);
    return region;
}

static struct trust self(void)
{
    return (struct trust){.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
}

static void a_new_object_is_zero_whole_and_has_its_mode_under_any_umask(void **state)
{
    struct stat st;
    (void)state;
    mode_t old = umask(0777);
    struct region region = create(name);
    umask(old);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(((char *)region.s_base)[i], 0);
    assert_int_equal(stat(object_path(name), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, SIZE);
    assert_true((uint64_t)st.st_blocks * 512 >= SIZE); /* allocated: no SIGBUS later */
    region_close(&region);
    assert_null(region.s_base);
    region_close(&region);
}

static void a_name_that_exists_is_not_created_again(void **state)
{
    struct region region = create(name), second;
    (void)state;
    assert_int_equal(region_create(name, SIZE, 0640, (gid_t)-1, &second), SHM_FOREIGN);
    assert_true(region_is_named(&region, name));
    region_close(&region);
}

static void an_object_larger_than_what_is_free_is_not_begun(void **state)
{
    struct region region;
    (void)state;
    assert_int_equal(region_create(name, (size_t)1 << 60, 0640, (gid_t)-1, &region), SHM_NO_SPACE);
    assert_int_not_equal(access(object_path(name), F_OK), 0);
}

static void an_object_is_allocated_in_parts_and_closed_to_others_until_it_is_ended(void **state)
{
    struct region_draft draft;
    struct region region;
    struct stat st;
    (void)state;
    assert_int_equal(region_begin(name, SIZE, (gid_t)-1, &draft), SHM_OK);
    assert_int_equal(stat(object_path(name), &st), 0);
    assert_int_equal(st.st_blocks, 0);
    assert_int_equal(region_allocate(&draft, 4096), SHM_OK);
    assert_int_equal(stat(object_path(name), &st), 0);
    assert_int_equal(st.st_blocks * 512, 4096);
    assert_int_equal(region_allocate_for_stores(&draft, SIZE), SHM_OK);
    assert_int_equal(draft.allocated, SIZE);
    assert_int_equal(stat(object_path(name), &st), 0);
    assert_int_equal(st.st_size, SIZE);
    assert_true((uint64_t)st.st_blocks * 512 >= SIZE);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(region_end(&draft, 0640, &region), SHM_OK);
    assert_int_equal(stat(object_path(name), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    region_abandon(&draft, name);
    assert_true(region_is_whole(&region, name));
    region_close(&region);
}

static void an_object_that_is_abandoned_is_gone(void **state)
{
    struct region_draft draft;
    (void)state;
    assert_int_equal(region_begin(name, SIZE, (gid_t)-1, &draft), SHM_OK);
    assert_int_equal(region_allocate(&draft, 4096), SHM_OK);
    region_abandon(&draft, name);
    assert_false(object_exists(name));
    assert_null(draft.region.s_base);
    region_abandon(&draft, name);
}

static void what_one_writes_the_other_sees(void **state)
{
    struct region region = create(name), opened;
    struct trust trust = self();
    (void)state;
    assert_int_equal(region_open(name, false, &trust, SIZE, &opened), SHM_OK);
    ((char *)region.s_base)[SIZE - 1] = 'x';
    assert_int_equal(((char *)opened.s_base)[SIZE - 1], 'x');
    assert_int_equal(opened.size, SIZE);
    region_close(&opened);
    region_close(&region);
}

static void an_object_is_opened_only_if_its_owner_mode_and_size_are_right(void **state)
{
    struct region region = create(name), opened;
    struct trust trust = self(), no_owner = {.owner_count = 0};
    (void)state;
    assert_int_equal(region_open(other_name, false, &trust, 0, &opened), SHM_NO_OBJECT);
    assert_int_equal(region_open(name, false, &no_owner, 0, &opened), SHM_FOREIGN);
    assert_int_equal(region_open(name, false, &trust, SIZE + 1, &opened), SHM_SHORT);
    assert_int_equal(chmod(object_path(name), 0660), 0);
    assert_int_equal(region_open(name, false, &trust, 0, &opened), SHM_UNSAFE);
    region_close(&region);
}

static void what_is_no_regular_object_is_not_opened_and_not_waited_for(void **state)
{
    struct trust trust = self();
    struct region opened;
    (void)state;
    alarm(20); /* a pipe without a writer must not block */
    assert_int_equal(mkfifo(object_path(name), 0600), 0);
    assert_int_equal(region_open(name, false, &trust, 0, &opened), SHM_FOREIGN);
    assert_int_equal(unlink(object_path(name)), 0);
    assert_int_equal(symlink("/dev/null", object_path(name)), 0);
    assert_int_equal(region_open(name, false, &trust, 0, &opened), SHM_FOREIGN);
    assert_int_equal(unlink(object_path(name)), 0);
    assert_int_equal(mkdir(object_path(name), 0700), 0);
    assert_int_equal(region_open(name, false, &trust, 0, &opened), SHM_FOREIGN);
    assert_int_equal(rmdir(object_path(name)), 0);
    alarm(0);
}

static void a_rename_takes_the_name_from_the_object_that_had_it(void **state)
{
    struct region old = create(name), new = create(other_name);
    (void)state;
    assert_int_equal(region_rename(other_name, name), SHM_OK);
    assert_false(region_is_named(&old, name));
    assert_true(region_is_named(&new, name));
    assert_int_equal(region_rename(other_name, name), SHM_NO_OBJECT);
    region_close(&old);
    region_close(&new);
}

static void a_link_is_a_second_name(void **state)
{
    struct region region = create(name), replaced = create(other_name);
    (void)state;
    assert_int_equal(region_link(name, other_name), SHM_OK);
    assert_true(region_is_named(&region, name) && region_is_named(&region, other_name));
    region_close(&region);
    region_close(&replaced);
}

static void an_object_that_was_cut_is_not_whole(void **state)
{
    struct region region = create(name);
    (void)state;
    assert_true(region_is_whole(&region, name));
    assert_int_equal(truncate(object_path(name), SIZE - 1), 0);
    assert_true(region_is_named(&region, name));
    assert_false(region_is_whole(&region, name));
    region_close(&region);
}

static int leased = -1;

/* An open(2) has come while the lease was there: the name leads to another object before it is called again. */
static void end_lease(int number)
{
    (void)number;
    fcntl(leased, F_SETLEASE, F_UNLCK);
    region_rename(other_name, name);
}

static void g9_an_open_that_is_led_to_an_object_that_is_being_freed_finds_the_next(void **state)
{
    (void)state;
    if (SANITIZED_THREADS)
        skip(); /* it delivers signals later, and a lease is not ended before the second try */
    const struct trust trust = self();
    struct region old = create(name), next = create(other_name), found;
    region_close(&old);
    leased = region_descriptor(name, O_RDWR, 0);
    signal(SIGIO, end_lease);
    assert_int_equal(fcntl(leased, F_SETLEASE, F_WRLCK), 0);
    assert_int_equal(region_open(name, false, &trust, SIZE, &found), SHM_OK);
    assert_int_equal(found.inode, next.inode);
    signal(SIGIO, SIG_DFL);
    region_close(&found);
    region_close(&next);
    close(leased);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_object_is_zero_whole_and_has_its_mode_under_any_umask),
        TEST(a_name_that_exists_is_not_created_again),
        TEST(an_object_larger_than_what_is_free_is_not_begun),
        TEST(an_object_is_allocated_in_parts_and_closed_to_others_until_it_is_ended),
        TEST(an_object_that_is_abandoned_is_gone),
        TEST(what_one_writes_the_other_sees),
        TEST(an_object_is_opened_only_if_its_owner_mode_and_size_are_right),
        TEST(what_is_no_regular_object_is_not_opened_and_not_waited_for),
        TEST(a_rename_takes_the_name_from_the_object_that_had_it),
        TEST(a_link_is_a_second_name),
        TEST(an_object_that_was_cut_is_not_whole),
        TEST(g9_an_open_that_is_led_to_an_object_that_is_being_freed_finds_the_next),
    };
    return cmocka_run_group_tests_name("unit/shm/region", tests, NULL, NULL);
}
