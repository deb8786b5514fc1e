/* SPDX-License-Identifier: MIT */
#include "shm/writer/replaced.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/support/instance.h"

enum {
    BYTES = 1 << 20,
    NOW = 100000, /* tick */
    LATER = NOW + 1000,
};

/* An object that has been replaced, and what another process could have of it. */
struct fixture {
    struct replaced replaced;
    struct region own; /* the fetcher's mapping */
    char name[OBJECT_NAME_MAX];
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    snprintf(fixture.name, sizeof(fixture.name), "/larshm.replaced-%d", (int)getpid());
    if (region_create(fixture.name, BYTES, 0644, (gid_t)-1, &fixture.own) != SHM_OK)
        return -1;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    replaced_close(&fixture->replaced);
    region_close(&fixture->own);
    region_unlink(fixture->name);
    return 0;
}

static void replace(struct fixture *fixture)
{
    int fd = replaced_open(fixture->name, &fixture->own);
    assert_true(fd >= 0);
    region_unlink(fixture->name);
    region_close(&fixture->own);
    replaced_add(&fixture->replaced, fd, false, NOW);
}

static void expect_held(struct fixture *fixture, uint32_t objects)
{
    struct replaced_held held = replaced_check(&fixture->replaced, LATER);
    assert_int_equal(held.objects, objects);
    assert_int_equal(held.bytes, objects * (uint64_t)BYTES);
    assert_int_equal(fixture->replaced.count, objects);
}

static void what_no_program_has_open_is_freed(void **state)
{
    replace(*state);
    expect_held(*state, 0);
}

/* Kernels before 6.1 may not know yet of a program that is amid open(2). */
static void g6_nothing_is_freed_that_had_its_name_a_moment_ago(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    int fd = region_descriptor(fixture->name, O_PATH, 0);
    replace(fixture);
    assert_int_equal(replaced_check(&fixture->replaced, LATER - 1).objects, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, BYTES);
    close(fd);
    expect_held(fixture, 0);
}

/* The lease is no proof there that nothing is mapped. */
static void g6_objects_on_another_file_system_than_tmpfs_are_not_freed(void **state)
{
    struct fixture *fixture = *state;
    struct statfs fs;
    struct region other;
    if (statfs("/var/tmp", &fs) != 0 || fs.f_type == TMPFS_MAGIC)
        skip();
    region_set_directory("/var/tmp");
    assert_int_equal(region_create(fixture->name, BYTES, 0644, (gid_t)-1, &other), SHM_OK);
    assert_int_equal(replaced_open(fixture->name, &other), -1);
    region_unlink(fixture->name);
    region_close(&other);
    region_set_directory("/dev/shm");
}

static void g10_an_object_is_held_while_a_program_has_it_open_or_mapped(void **state)
{
    struct fixture *fixture = *state;
    int fd = region_descriptor(fixture->name, O_RDONLY, 0);
    replace(fixture);
    expect_held(fixture, 1);
    void *s_base = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(s_base, MAP_FAILED);
    close(fd);
    expect_held(fixture, 1);
    munmap(s_base, BYTES);
    expect_held(fixture, 0);
}

static void g10_what_is_kept_without_opening_it_has_no_memory(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    int fd = region_descriptor(fixture->name, O_PATH, 0);
    replace(fixture);
    expect_held(fixture, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_blocks, 0);
    close(fd);
}

/* In the meantime no program opens it. */
static void what_is_large_is_freed_in_parts(void **state)
{
    enum {
        LARGE = 40 << 20,
        PART = 16 << 20,
    };
    struct fixture *fixture = *state;
    struct stat st;
    char path[64];
    uint64_t before = LARGE;
    uint32_t parts = 1;
    region_close(&fixture->own);
    region_unlink(fixture->name);
    assert_int_equal(region_create(fixture->name, LARGE, 0644, (gid_t)-1, &fixture->own), SHM_OK);
    int fd = region_descriptor(fixture->name, O_PATH, 0);
    replace(fixture);
    assert_int_equal(replaced_check(&fixture->replaced, LATER).objects, 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    do {
        assert_int_equal(open(path, O_RDONLY | O_NONBLOCK), -1);
        assert_int_equal(errno, EWOULDBLOCK);
        assert_int_equal(fstat(fd, &st), 0);
        assert_in_range(before - (uint64_t)st.st_blocks * 512, 1, PART);
        before = (uint64_t)st.st_blocks * 512;
        parts++;
    } while (replaced_free_part(&fixture->replaced) && fixture->replaced.count);
    assert_int_equal(parts, 3);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_blocks, 0);
    assert_false(replaced_free_part(&fixture->replaced));
    close(fd);
}

static void an_object_with_another_name_is_held_and_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    char other[OBJECT_NAME_MAX + 8];
    snprintf(other, sizeof(other), "%s.other", fixture->name);
    assert_int_equal(region_link(fixture->name, other), SHM_OK);
    replace(fixture);
    expect_held(fixture, 1);
    region_unlink(other);
    expect_held(fixture, 0);
}

static void what_the_fetcher_still_maps_is_not_counted(void **state)
{
    struct fixture *fixture = *state;
    int reader = region_descriptor(fixture->name, O_RDONLY, 0),
        fd = replaced_open(fixture->name, &fixture->own);
    region_unlink(fixture->name);
    replaced_add(&fixture->replaced, fd, true, NOW);
    assert_int_equal(replaced_check(&fixture->replaced, LATER).objects, 0);
    replaced_unmapped(&fixture->replaced, &fixture->own);
    region_close(&fixture->own);
    expect_held(fixture, 1);
    close(reader);
    expect_held(fixture, 0);
}

static void a_name_that_leads_elsewhere_is_not_watched(void **state)
{
    struct fixture *fixture = *state;
    struct region other = fixture->own;
    other.inode++;
    assert_int_equal(replaced_open(fixture->name, &other), -1);
}

static void of_more_than_can_be_watched_the_smallest_go(void **state)
{
    struct fixture *fixture = *state;
    int readers[REPLACED_OBJECTS_MAX];
    for (int i = 0; i < REPLACED_OBJECTS_MAX; i++) {
        struct region region;
        char name[OBJECT_NAME_MAX + 8];
        snprintf(name, sizeof(name), "%s.%d", fixture->name, i);
        assert_int_equal(region_create(name, 4096, 0644, (gid_t)-1, &region), SHM_OK);
        readers[i] = region_descriptor(name, O_RDONLY, 0);
        int fd = replaced_open(name, &region);
        region_unlink(name);
        region_close(&region);
        replaced_add(&fixture->replaced, fd, false, NOW);
    }
    int reader = region_descriptor(fixture->name, O_RDONLY, 0);
    replace(fixture);
    struct replaced_held held = replaced_check(&fixture->replaced, LATER);
    assert_int_equal(held.objects, REPLACED_OBJECTS_MAX);
    assert_int_equal(held.bytes, BYTES + (REPLACED_OBJECTS_MAX - 1) * 4096);
    for (int i = 0; i < REPLACED_OBJECTS_MAX; i++)
        close(readers[i]);
    expect_held(fixture, 1);
    close(reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_no_program_has_open_is_freed),
        TEST(g6_nothing_is_freed_that_had_its_name_a_moment_ago),
        TEST(g6_objects_on_another_file_system_than_tmpfs_are_not_freed),
        TEST(g10_an_object_is_held_while_a_program_has_it_open_or_mapped),
        TEST(g10_what_is_kept_without_opening_it_has_no_memory),
        TEST(what_is_large_is_freed_in_parts),
        TEST(an_object_with_another_name_is_held_and_stays_whole),
        TEST(what_the_fetcher_still_maps_is_not_counted),
        TEST(a_name_that_leads_elsewhere_is_not_watched),
        TEST(of_more_than_can_be_watched_the_smallest_go),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/replaced", tests, NULL, NULL);
}
