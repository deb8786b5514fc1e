/* SPDX-License-Identifier: MIT */
/* Whom a client trusts: the list, and what a directory's owner and mode say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/trust.h"

enum {
    FETCHER = 990,
    STRANGER = 991,
    UNMAPPED = 65534,
};

static struct trusted listed(const char *list)
{
    struct trusted trusted;
    setenv("LARSHM_TRUST_UID", list, 1);
    assert_int_equal(trusted_read(&trusted), SHM_OK);
    unsetenv("LARSHM_TRUST_UID");
    return trusted;
}

static struct stat directory(uid_t owner, mode_t mode)
{
    return (struct stat){.st_mode = S_IFDIR | mode, .st_uid = owner};
}

static void list_of_the_environment_is_uids_and_commas(void **state)
{
    static const char *const bad[] = {"x",  "1,",  ",1", "1,,2",       "1 2",         "-1",
                                      "1 ", "0x1", "1;", "4294967295", "99999999999", "root"};
    struct trusted trusted;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        setenv("LARSHM_TRUST_UID", bad[i], 1);
        assert_int_equal(trusted_read(&trusted), SHM_BAD_ARGUMENT);
    }
    trusted = listed("990,0,4294967294");
    assert_int_equal(trusted.count, 3);
    assert_int_equal(trusted.list[0], 990);
    assert_int_equal(trusted.list[2], 4294967294);
    assert_true(trusted.listed);
    trusted = listed("");
    assert_false(trusted.listed);
}

static void list_is_bounded(void **state)
{
    char list[8 * (TRUST_LIST_MAX + 1)] = "1";
    struct trusted trusted;
    (void)state;
    for (int i = 2; i <= TRUST_LIST_MAX; i++)
        sprintf(list + strlen(list), ",%d", i);
    assert_int_equal(listed(list).count, TRUST_LIST_MAX);
    strcat(list, ",99");
    setenv("LARSHM_TRUST_UID", list, 1);
    assert_int_equal(trusted_read(&trusted), SHM_BAD_ARGUMENT);
    unsetenv("LARSHM_TRUST_UID");
}

static void list_of_the_environment_is_all_of_it(void **state)
{
    struct trusted trusted = listed("990");
    (void)state;
    assert_int_equal(trusted_look_again(&trusted, true), SHM_OK);
    assert_int_equal(trusted.count, 1);
    assert_int_equal(trusted.list[0], 990);
}

static uid_t account_of_service = (uid_t)-1;

/* Instead of libc's: a name service that knows the account larshm alone. */
int getpwnam_r(const char *name, struct passwd *entry, char *text, size_t size, struct passwd **found)
{
    bool known = account_of_service != (uid_t)-1 && strcmp(name, "larshm") == 0;
    (void)text;
    (void)size;
    *entry = (struct passwd){.pw_uid = account_of_service};
    *found = known ? entry : NULL;
    return 0;
}

static void account_of_a_name_service_stays_while_it_cannot_be_looked_up(void **state)
{
    struct trusted trusted;
    (void)state;
    assert_int_equal(trusted_read(&trusted), SHM_OK);
    assert_int_equal(trusted_look_again(&trusted, false), SHM_OK);
    if (trusted.count > 0)
        skip(); /* this machine has a list, or that account */
    account_of_service = FETCHER;
    assert_int_equal(trusted_look_again(&trusted, true), SHM_OK);
    account_of_service = (uid_t)-1;
    assert_int_equal(trusted_look_again(&trusted, false), SHM_OK);
    assert_int_equal(trusted.count, 1);
    assert_int_equal(trusted.list[0], FETCHER);
    assert_int_equal(trusted_look_again(&trusted, true), SHM_OK);
    assert_int_equal(trusted.count, 0);
}

static void in_a_directory_of_all_users_owners_decide(void **state)
{
    const struct stat shared = directory(0, 01777);
    struct trusted trusted = listed("990");
    struct trust trust;
    (void)state;
    trusted.unmapped = (uid_t)-1;
    assert_int_equal(trusted_in(&trusted, &shared, true, &trust), SHM_OK);
    assert_true(trust_includes(&trust, 0) && trust_includes(&trust, geteuid()) &&
                trust_includes(&trust, FETCHER));
    assert_false(trust_includes(&trust, STRANGER) || trust_includes(&trust, UNMAPPED));
}

static void unmapped_users_are_trusted_in_no_directory_of_all_users(void **state)
{
    static const mode_t shared[] = {01777, 0775, 0757};
    struct trusted trusted = listed("65534,990");
    struct trust trust;
    (void)state;
    trusted.unmapped = trusted.caller = UNMAPPED;
    for (int i = 0; i < 3; i++) {
        const struct stat st = directory(UNMAPPED, shared[i]);
        assert_int_equal(trusted_in(&trusted, &st, true, &trust), SHM_OK);
        assert_true(trust_includes(&trust, 0) && trust_includes(&trust, FETCHER));
        assert_false(trust_includes(&trust, UNMAPPED));
    }
    const struct stat st = directory(0, 01777);
    trusted.unmapped = (uid_t)-1; /* here it is a user like any other */
    assert_int_equal(trusted_in(&trusted, &st, true, &trust), SHM_OK);
    assert_true(trust_includes(&trust, UNMAPPED));
}

static void directory_of_its_own_is_trusted_as_a_whole(void **state)
{
    static const uid_t owners[] = {0, FETCHER};
    struct trusted trusted = listed("990");
    struct trust trust;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct stat st = directory(owners[i], 0755);
        assert_int_equal(trusted_in(&trusted, &st, false, &trust), SHM_OK);
        assert_true(trust_includes(&trust, STRANGER) && trust_includes(&trust, UNMAPPED));
    }
}

static void directory_of_a_stranger_is_refused(void **state)
{
    const struct stat strangers = directory(STRANGER, 0755), unmapped = directory(UNMAPPED, 0755),
                      file = {.st_mode = S_IFREG | 0644, .st_uid = 0};
    struct trusted trusted = listed("990");
    struct trust trust;
    (void)state;
    trusted.unmapped = UNMAPPED;
    assert_int_equal(trusted_in(&trusted, &strangers, true, &trust), SHM_FOREIGN);
    assert_int_equal(trusted_in(&trusted, &file, true, &trust), SHM_FOREIGN);
    assert_int_equal(trusted_in(&trusted, &unmapped, false, &trust), SHM_FOREIGN);
    assert_int_equal(trusted_in(&trusted, &unmapped, true, &trust), SHM_OK);
    assert_true(trust_includes(&trust, UNMAPPED));
    trusted.unmapped = (uid_t)-1;
    assert_int_equal(trusted_in(&trusted, &unmapped, true, &trust), SHM_FOREIGN);
}

static void namespace_that_does_not_map_all_users_has_an_unmapped_one(void **state)
{
    int status = 0;
    (void)state;
    assert_int_equal(listed("990").unmapped, (uid_t)-1);
    pid_t child = fork();
    if (child == 0) {
        struct trusted trusted;
        if (unshare(CLONE_NEWUSER) != 0)
            _exit(77);
        _exit(trusted_read(&trusted) == SHM_OK && trusted.unmapped == UNMAPPED && trusted.caller == UNMAPPED
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_of_the_environment_is_uids_and_commas),
        cmocka_unit_test(list_is_bounded),
        cmocka_unit_test(list_of_the_environment_is_all_of_it),
        cmocka_unit_test(account_of_a_name_service_stays_while_it_cannot_be_looked_up),
        cmocka_unit_test(in_a_directory_of_all_users_owners_decide),
        cmocka_unit_test(unmapped_users_are_trusted_in_no_directory_of_all_users),
        cmocka_unit_test(directory_of_its_own_is_trusted_as_a_whole),
        cmocka_unit_test(directory_of_a_stranger_is_refused),
        cmocka_unit_test(namespace_that_does_not_map_all_users_has_an_unmapped_one),
    };
    unsetenv("LARSHM_TRUST_UID");
    return cmocka_run_group_tests_name("unit/shm/trust", tests, NULL, NULL);
}
