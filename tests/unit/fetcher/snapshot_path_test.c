/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/keys.h"
#include "conf/values.h"
#include "fetcher/snapshot_file.h"
#include "shm/names.h"

static void expect(const char *configured, const char *instance, const char *expected)
{
    char path[SNAPSHOT_FILE_PATH_SIZE];
    assert_true(snapshot_path(configured, instance, path, sizeof(path)));
    assert_string_equal(path, expected);
}

static void expect_none(const char *configured, const char *why)
{
    char text[SNAPSHOT_FILE_PATH_SIZE];
    assert_false(snapshot_path(configured, "one", text, sizeof(text)));
    assert_string_equal(text, why);
}

static void instance_takes_its_place(void **state)
{
    (void)state;
    expect("/srv/%i.snapshot", "default", "/srv/default.snapshot");
    expect("/srv/%i/%i", "a-b", "/srv/a-b/a-b");
    expect("/srv/50%/100%j", "a", "/srv/50%/100%j");
    expect("/srv/x", "a", "/srv/x");
}

static void empty_is_none(void **state)
{
    (void)state;
    expect_none("", "[fetcher] snapshot is empty");
}

/* With what a writer puts behind it, see snapshot_file.c. */
static void longest_path_fits(void **state)
{
    (void)state;
    char configured[CONFIG_PATH_SIZE], instance[INSTANCE_MAX + 1] = "", path[SNAPSHOT_FILE_PATH_SIZE];
    memset(configured, 'x', sizeof(configured) - 1);
    memset(instance, 'i', sizeof(instance) - 1);
    configured[0] = '/';
    strcpy(configured + sizeof(configured) - 3, "%i");
    snapshot_path(configured, instance, path, sizeof(path));
    assert_int_equal(strlen(path), sizeof(configured) - 3 + INSTANCE_MAX);
    assert_true(strlen(path) + strlen(".other") < sizeof(path));
}

static void default_counts_where_its_folder_is_this_user_s(void **state)
{
    (void)state;
    const struct key *key = keys_find("fetcher", "snapshot", strlen("snapshot"));
    struct stat st;
    bool there = lstat("/var/lib/larshm", &st) == 0;
    if (!there)
        expect_none(key->initial, "/var/lib/larshm is not there");
    else if (st.st_uid != geteuid())
        expect_none(key->initial, "/var/lib/larshm is no folder of the fetcher's user");
    else if ((st.st_mode & 0022) == 0)
        expect(key->initial, "one", "/var/lib/larshm/one.snapshot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instance_takes_its_place),
        cmocka_unit_test(empty_is_none),
        cmocka_unit_test(longest_path_fits),
        cmocka_unit_test(default_counts_where_its_folder_is_this_user_s),
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_path", tests, NULL, NULL);
}
