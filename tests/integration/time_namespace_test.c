/* SPDX-License-Identifier: MIT */
/*
 * Clients and fetchers in time namespaces, where CLOCK_BOOTTIME is shifted by hours: a living fetcher is not taken for
 * dead, an ejection is not void while it lives, and ends when it does not. For root, where the machine allows it.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/rotation.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

enum {
    BAD = 2,
    NO_NAMESPACES = 100, /* exit status */
    TRIES = 100,
};

static const char *const shifts[] = {"boottime 100000 0", "boottime -50 0"};
#define EACH_SHIFT                                                                                           \
    unsigned i = 0;                                                                                          \
    i < sizeof(shifts) / sizeof(*shifts);                                                                    \
    i++

/* The children of this process from now on have a shifted clock. False: this machine, or user, has no time namespaces. */
static bool shift_children(const char *shift)
{
    int fd = unshare(CLONE_NEWTIME) == 0 ? open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC) : -1;
    bool well = fd >= 0 && write(fd, shift, strlen(shift)) == (ssize_t)strlen(shift);
    if (fd >= 0)
        close(fd);
    return well;
}

typedef int outcome_of(struct fixture *fixture); /* exit status: 0, or what went wrong */

/* Runs `look` in a process with a shifted clock, which is all that it has in common with this one. */
static void expect_well(struct fixture *fixture, const char *shift, outcome_of *look)
{
    int status = 0;
    pid_t parent = fork();
    if (parent == 0) {
        if (!shift_children(shift))
            _exit(NO_NAMESPACES);
        pid_t child = fork();
        if (child == 0)
            _exit(look(fixture));
        _exit(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                                    : 101);
    }
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_NAMESPACES) {
        print_message("time namespaces are for root, on machines that allow them\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int info_of_living(larshm *h)
{
    larshm_route_info info = {0};
    if (larshm_info(h, 1, 1, &info) != LARSHM_OK)
        return 2;
    if (!info.fetcher_alive || info.fetcher_silent_ms >= 3000)
        return 3;
    return info.age_ms >= EVENTUALLY_MS || info.expired ? 4 : 0;
}

static int ejected_is_only_probed(larshm *h)
{
    struct picks picks = rotation_pick(h, ROTATION_PICKS);
    return picks.of[BAD] <= ROTATION_PICKS / ROTATION_PERIOD + 1 ? 0 : 5;
}

static int look_at_living(struct fixture *fixture)
{
    larshm *h;
    if (larshm_open(&h, fixture->fetcher.instance) != LARSHM_OK)
        return 1;
    int outcome = info_of_living(h);
    return outcome ? outcome : ejected_is_only_probed(h);
}

static void g12_a_living_fetcher_and_its_ejections_hold_in_any_time_namespace(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 40\nidle_timeout = 3600\n");
    rotation_eject(fixture, BAD);
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_at_living);
}

static int fetcher_is_alive_and_ejections_are_valid(larshm *h)
{
    int outcome = info_of_living(h);
    return outcome ? outcome : ejected_is_only_probed(h);
}

/* With the handle that its parent opened outside of the namespace. */
static int look_with_inherited_handle(struct fixture *fixture)
{
    return fetcher_is_alive_and_ejections_are_valid(fixture->client);
}

static void a_handle_is_right_after_a_fork_into_a_time_namespace(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 40\nidle_timeout = 3600\n");
    rotation_eject(fixture, BAD);
    assert_int_equal(info_of_living(fixture->client), 0);
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_with_inherited_handle);
}

/* As expect_well() does, but then looks itself: its clock is not shifted, that of its children would be. */
static int look_before_own_children(struct fixture *fixture)
{
    return shift_children("boottime 7200 0") ? look_at_living(fixture) : NO_NAMESPACES;
}

static void a_process_whose_children_will_be_elsewhere_judges_right(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_before_own_children);
}

/* Nothing tells the shift: the tick that moves does. */
static int look_without_proc(struct fixture *fixture)
{
    larshm *h;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("empty", "/proc", "tmpfs", 0, "size=4k") != 0)
        return NO_NAMESPACES;
    if (larshm_open(&h, fixture->fetcher.instance) != LARSHM_OK)
        return 1;
    for (int try = 0; try < TRIES; try++, usleep(10000)) {
        int outcome = info_of_living(h);
        if (outcome)
            return outcome;
    }
    if (ejected_is_only_probed(h))
        return 5;
    process_signal(&fixture->fetcher.process, SIGSTOP);
    larshm_route_info info;
    for (unsigned waited = 0; larshm_info(h, 1, 1, &info) == LARSHM_OK && info.fetcher_alive; waited += 10) {
        if (waited > EVENTUALLY_MS)
            return 6;
        usleep(10000);
    }
    process_signal(&fixture->fetcher.process, SIGCONT);
    for (unsigned waited = 0; larshm_info(h, 1, 1, &info) == LARSHM_OK && !info.fetcher_alive; waited += 10) {
        if (waited > EVENTUALLY_MS)
            return 7;
        usleep(10000);
    }
    return 0;
}

static void without_proc_a_fetcher_is_judged_by_its_progress(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_without_proc);
}

/* A process that has just begun, as one of a shell script. */
static int look_at_dead(struct fixture *fixture)
{
    larshm *h;
    larshm_route_info info = {0};
    if (larshm_open(&h, fixture->fetcher.instance) != LARSHM_OK)
        return 1;
    if (larshm_info(h, 1, 1, &info) != LARSHM_OK || info.fetcher_alive ||
        info.fetcher_silent_ms >= EVENTUALLY_MS)
        return 2;
    return rotation_includes(h, BAD) ? 0 : 3;
}

static void g12_an_ejection_ends_under_a_dead_fetcher_in_any_time_namespace(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture,
                   "[loadbalance]\noverload_timeout = 4\nmax_overload_timeout = 4\nidle_timeout = 3600\n");
    rotation_eject(fixture, BAD);
    process_kill(&fixture->fetcher.process);
    eventually(rotation_includes(fixture->client, BAD));
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_at_dead);
}

/* What `look` finds in a child that sees no /proc, like that of a server that calls chroot() for each connection. */
static int look_in_a_child_without_proc(larshm *h, int (*look)(larshm *h))
{
    int status = 0;
    char root[] = "/tmp/larshm-root-XXXXXX";
    if (!mkdtemp(root))
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(chroot(root) == 0 && chdir("/") == 0 ? look(h) : 6);
    pid_t ended = child > 0 ? waitpid(child, &status, 0) : -1;
    rmdir(root);
    return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : 9;
}

static int fetcher_is_dead_and_ejections_are_over(larshm *h)
{
    larshm_route_info info = {0};
    if (larshm_info(h, 1, 1, &info) != LARSHM_OK || info.fetcher_alive)
        return 7;
    return rotation_includes(h, BAD) ? 0 : 8;
}

static int look_at_dead_in_a_child(struct fixture *fixture)
{
    larshm *h;
    return larshm_open(&h, fixture->fetcher.instance) == LARSHM_OK
               ? look_in_a_child_without_proc(h, fetcher_is_dead_and_ejections_are_over)
               : 1;
}

static void g12_a_child_that_sees_no_proc_knows_what_its_parent_knew(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture,
                   "[loadbalance]\noverload_timeout = 4\nmax_overload_timeout = 4\nidle_timeout = 3600\n");
    rotation_eject(fixture, BAD);
    process_kill(&fixture->fetcher.process);
    eventually(rotation_includes(fixture->client, BAD));
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_at_dead_in_a_child);
}

/* In a time namespace of its own, unlike its parent, which has called unshare(2). */
static int look_in_a_child_elsewhere(struct fixture *fixture)
{
    larshm *h;
    if (larshm_open(&h, fixture->fetcher.instance) != LARSHM_OK)
        return 1;
    return shift_children("boottime 200000 0")
               ? look_in_a_child_without_proc(h, fetcher_is_alive_and_ejections_are_valid)
               : NO_NAMESPACES;
}

static void g12_a_child_in_another_time_namespace_does_not_keep_the_shift(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    for (EACH_SHIFT)
        expect_well(fixture, shifts[i], look_in_a_child_elsewhere);
}

/* A process ends with the one that started it: killing the first ends all three. */
static void start_fetcher(struct fixture *fixture)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fetcher_launch(&fixture->fetcher);
    for (;;)
        pause();
}

static void a_fetcher_in_a_time_namespace_counts_as_all_do(void **state)
{
    struct fixture *fixture = *state;
    for (EACH_SHIFT) {
        fetcher_configure(&fixture->fetcher);
        pid_t parent = fork();
        if (parent == 0) {
            int status = 0;
            if (!shift_children(shifts[i]))
                _exit(NO_NAMESPACES);
            pid_t child = fork();
            if (child == 0)
                start_fetcher(fixture);
            waitpid(child, &status, 0);
            _exit(1);
        }
        larshm_route_info info = {0};
        eventually(larshm_open(&fixture->client, fixture->fetcher.instance) == LARSHM_OK ||
                   waitpid(parent, NULL, WNOHANG) == parent);
        if (!fixture->client)
            skip();
        eventually(larshm_info(fixture->client, 9, 9, &info) == LARSHM_PENDING && info.fetcher_alive);
        assert_true(info.fetcher_silent_ms < 3000);
        kill(parent, SIGKILL);
        waitpid(parent, NULL, 0);
        eventually(larshm_info(fixture->client, 9, 9, &info) == LARSHM_PENDING && !info.fetcher_alive);
        larshm_close(fixture->client);
        fixture->client = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(g12_a_living_fetcher_and_its_ejections_hold_in_any_time_namespace),
        fixture_test(a_handle_is_right_after_a_fork_into_a_time_namespace),
        fixture_test(a_process_whose_children_will_be_elsewhere_judges_right),
        fixture_test(without_proc_a_fetcher_is_judged_by_its_progress),
        fixture_test(g12_an_ejection_ends_under_a_dead_fetcher_in_any_time_namespace),
        fixture_test(g12_a_child_that_sees_no_proc_knows_what_its_parent_knew),
        fixture_test(g12_a_child_in_another_time_namespace_does_not_keep_the_shift),
        fixture_test(a_fetcher_in_a_time_namespace_counts_as_all_do),
    };
    return cmocka_run_group_tests_name("integration/time_namespace", tests, NULL, NULL);
}
