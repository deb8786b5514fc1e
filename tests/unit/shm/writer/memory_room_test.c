/* SPDX-License-Identifier: MIT */
/* Control groups as they look from inside: a tree of files stands for /proc and /sys. */
#include "shm/writer/memory_room.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[32];

static int tree_setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/larshm-tree-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int tree_teardown(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file of the tree, with the directories above it. */
static void tree_write(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char two[] =
    "23 1 0:5 / /proc rw - proc proc rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char one[] = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                          "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

static void the_tightest_limit_above_the_process_counts(void **state)
{
    (void)state;
    tree_write("/proc/self/mountinfo", two);
    tree_write("/proc/self/cgroup", "0::/services.slice/larshm.service\n");
    tree_write("/sys/fs/cgroup/services.slice/larshm.service/memory.max", "max\n");
    tree_write("/sys/fs/cgroup/services.slice/larshm.service/memory.current", "5000\n");
    assert_true(memory_room(root) == UINT64_MAX);
    tree_write("/sys/fs/cgroup/services.slice/memory.max", "100000\n");
    tree_write("/sys/fs/cgroup/services.slice/memory.current", "30000\n");
    assert_int_equal(memory_room(root), 70000);
    tree_write("/sys/fs/cgroup/services.slice/larshm.service/memory.max", "40000\n");
    assert_int_equal(memory_room(root), 35000);
    tree_write("/sys/fs/cgroup/memory.max", "6000\n");
    tree_write("/sys/fs/cgroup/memory.current", "7000\n");
    assert_int_equal(memory_room(root), 0);
}

static void cache_of_files_is_free(void **state)
{
    (void)state;
    tree_write("/proc/self/mountinfo", two);
    tree_write("/proc/self/cgroup", "0::/a\n");
    tree_write("/sys/fs/cgroup/a/memory.max", "100000\n");
    tree_write("/sys/fs/cgroup/a/memory.current", "90000\n");
    tree_write("/sys/fs/cgroup/a/memory.stat", "anon 1\nshmem 70000\ninactive_file 15000\nactive_file 7\n");
    assert_int_equal(memory_room(root), 25000);
    tree_write("/sys/fs/cgroup/a/memory.stat", "inactive_file 900000\n");
    assert_int_equal(memory_room(root), 100000);
}

static void version_1_is_read_beside_an_empty_version_2(void **state)
{
    (void)state;
    tree_write("/proc/self/mountinfo", one);
    tree_write("/proc/self/cgroup", "8:cpu:/b\n4:memory:/jobs/a\n0::/\n");
    tree_write("/sys/fs/cgroup/memory/jobs/a/memory.limit_in_bytes", "9223372036854771712\n");
    tree_write("/sys/fs/cgroup/memory/jobs/a/memory.usage_in_bytes", "0\n");
    tree_write("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "50000\n");
    tree_write("/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "20000\n");
    tree_write("/sys/fs/cgroup/memory/jobs/memory.stat", "inactive_file 9\ntotal_inactive_file 5000\n");
    assert_int_equal(memory_room(root), 35000);
}

static void a_container_that_sees_the_path_of_its_host_finds_its_limit(void **state)
{
    (void)state;
    tree_write("/proc/self/mountinfo",
               "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    tree_write("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
    tree_write("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "9000\n");
    tree_write("/sys/fs/cgroup/memory/inner/memory.usage_in_bytes", "1000\n");
    assert_int_equal(memory_room(root), 8000);
    tree_write("/proc/self/cgroup", "4:memory:/../../elsewhere\n");
    tree_write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n");
    tree_write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
    assert_int_equal(memory_room(root), 2000);
}

static void what_cannot_be_understood_is_no_limit(void **state)
{
    (void)state;
    assert_true(memory_room(root) == UINT64_MAX);
    tree_write("/proc/self/mountinfo",
               "\n - cgroup2\n1 2 3\n31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    assert_true(memory_room(root) == UINT64_MAX);
    tree_write("/proc/self/cgroup", "\n:\n0:\n0::nothing\n0::/a\n");
    tree_write("/sys/fs/cgroup/a/memory.max", "many\n");
    tree_write("/sys/fs/cgroup/a/memory.current", "");
    assert_true(memory_room(root) == UINT64_MAX);
}

static void room_is_for_more_than_the_bytes_themselves(void **state)
{
    (void)state;
    assert_true(memory_has_room(UINT64_MAX, UINT64_C(1) << 40));
    assert_false(memory_has_room(0, 0));
    assert_false(memory_has_room(16 << 20, 16 << 20));
    assert_true(memory_has_room(21 << 20, 16 << 20));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tightest_limit_above_the_process_counts),
        TEST(cache_of_files_is_free),
        TEST(version_1_is_read_beside_an_empty_version_2),
        TEST(a_container_that_sees_the_path_of_its_host_finds_its_limit),
        TEST(what_cannot_be_understood_is_no_limit),
        TEST(room_is_for_more_than_the_bytes_themselves),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/memory_room", tests, NULL, NULL);
}
