/* SPDX-License-Identifier: MIT */
/*
 * Surroundings that are not as they should be: umasks, squatted names, clients in namespaces of their own, many
 * threads, many fetchers, a machine that was asleep. What needs root is skipped for others.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/object_path.h"

enum {
    OTHER_USER = 65534,
    THREADS = 10000,
    FETCHERS = 20,
    ROUTES = 300,
    RATE = 100,          /* requests per second */
    NO_NAMESPACES = 100, /* exit status: this machine does not allow them, or not here */
};

#define SHM "/dev/shm"

static mode_t mode_of(const char *name)
{
    struct stat st;
    int fd = shm_open(name, O_RDONLY, 0);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    close(fd);
    return st.st_mode & 07777;
}

static void modes_are_as_documented_under_any_umask(void **state)
{
    static const mode_t masks[] = {000, 077, 022, 0777};
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    fetcher_configure(&fixture->fetcher);
    for (unsigned i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
        mode_t before = umask(masks[i]);
        fetcher_launch(&fixture->fetcher);
        umask(before);
        chmod(fixture->fetcher.log_path, 0600);
        eventually(process_said(&fixture->fetcher.process, "serving instance") == i + 1);
        assert_int_equal(mode_of(names->routes), 0644);
        assert_int_equal(mode_of(names->control), 0660);
        assert_int_equal(mode_of(names->lock), 0600);
        fetcher_stop(&fixture->fetcher);
    }
}

/* ---- squatted names ---- */

static void squat(const char *name, uid_t owner, mode_t mode)
{
    shm_unlink(name);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(fchown(fd, owner, (gid_t)-1), 0);
    close(fd);
}

static void squat_with_link(const char *name, const char *target)
{
    shm_unlink(name);
    assert_int_equal(symlink(target, object_path(name)), 0);
}

static void expect_refused(struct fixture *fixture, const char *name, int code)
{
    static unsigned count;
    char complaint[128];
    larshm *h = NULL;
    snprintf(complaint, sizeof(complaint), "larshm-fetcher: %s ", name);
    count = process_said(&fixture->fetcher.process, complaint);
    fetcher_launch(&fixture->fetcher);
    assert_int_equal(process_wait(&fixture->fetcher.process), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, complaint), count + 1);
    assert_true(object_exists(name));
    if (code != LARSHM_OK)
        assert_int_equal(larshm_open(&h, fixture->fetcher.instance), code);
    assert_int_equal(shm_unlink(name), 0);
}

static void squatted_names_are_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    fetcher_configure(&fixture->fetcher);
    snprintf(fixture->fetcher.process.log, sizeof(fixture->fetcher.process.log), "%s",
             fixture->fetcher.log_path);
    squat(names->routes, geteuid(), 0666);
    expect_refused(fixture, names->routes, LARSHM_UNSAFE);
    squat(names->control, geteuid(), 0666);
    expect_refused(fixture, names->control, LARSHM_OK);
    squat(names->lock, geteuid(), 0666);
    expect_refused(fixture, names->lock, LARSHM_OK);
    squat_with_link(names->routes, "/etc/passwd");
    expect_refused(fixture, names->routes, LARSHM_FOREIGN);
    squat_with_link(names->lock, fixture->fetcher.config_path);
    expect_refused(fixture, names->lock, LARSHM_OK);
    if (geteuid() != 0)
        return;
    const char *const all[] = {names->routes, names->control, names->lock};
    for (int i = 0; i < 3; i++) {
        squat(all[i], OTHER_USER, 0600);
        expect_refused(fixture, all[i], LARSHM_OK);
    }
    squat(names->routes, OTHER_USER, 0644);
    expect_refused(fixture, names->routes, LARSHM_FOREIGN);
}

/* ---- namespaces ---- */

/* Binds one object into an empty shared memory that is being made at `small_shm`. */
static bool bind_object(const char *small_shm, const char *name)
{
    char from[128], to[128];
    snprintf(from, sizeof(from), SHM "%s", name);
    snprintf(to, sizeof(to), "%s%s", small_shm, name);
    int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && mount(from, to, NULL, MS_BIND, NULL) == 0;
}

/* In a pid namespace of its own, with shared memory that has only the two objects. 0: all went well. */
static int live_in_container(const struct fetcher *fetcher, bool read_only)
{
    char small_shm[64];
    larshm *h = NULL;
    larshm_host host;
    larshm_route_info info = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(small_shm, sizeof(small_shm), "%s/small_shm", fetcher->home);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return NO_NAMESPACES;
    if (mkdir(small_shm, 0700) != 0 || mount("small_shm", small_shm, "tmpfs", 0, "size=64k") != 0 ||
        !bind_object(small_shm, fetcher->names.routes) || !bind_object(small_shm, fetcher->names.control) ||
        mount(small_shm, SHM, NULL, MS_MOVE, NULL) != 0)
        return 1;
    if (read_only) {
        if (mount(NULL, object_path(fetcher->names.control), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) !=
            0)
            return 2;
    }
    rmdir(small_shm);
    if (object_exists(fetcher->names.lock))
        return 3;
    if (larshm_open(&h, fetcher->instance) != LARSHM_OK)
        return 4;
    int outcome = 0;
    if (larshm_get_host(h, 7, 7, &host) != LARSHM_OK)
        outcome = 5;
    else if (larshm_info(h, 7, 7, &info) != LARSHM_OK || !info.fetcher_alive || info.can_ask == read_only)
        outcome = 6;
    else if (read_only ? larshm_get_host(h, 8, 8, &host) != LARSHM_NO_PERMISSION
                       : larshm_wait_route(h, 8, 8, EVENTUALLY_MS) != LARSHM_OK)
        outcome = 7;
    larshm_close(h);
    return outcome;
}

/* unshare(CLONE_NEWPID) is for the children that come after it. */
static int enter_container(const struct fetcher *fetcher, bool read_only)
{
    int status = 0;
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
        return NO_NAMESPACES;
    pid_t child = fork();
    if (child == 0)
        _exit(live_in_container(fetcher, read_only));
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static pid_t start_container(const struct fixture *fixture, bool read_only)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(enter_container(&fixture->fetcher, read_only));
    return child;
}

static void expect_well_in_container(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_NAMESPACES) {
        print_message("namespaces are for root, on machines that allow them\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void client_in_other_namespaces_looks_up_and_asks(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    pid_t child = start_container(fixture, false);
    struct route_key key = {0};
    if (directory_takes(&fixture->directory, EVENTUALLY_MS / 3, &key))
        fixture_answer(fixture, 8, 8, 2, 80);
    expect_well_in_container(child);
    assert_true(route_key_equal(key, route_key(8, 8)));
}

static void client_with_a_read_only_control_looks_up_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    expect_well_in_container(start_container(fixture, true));
}

/* ---- many ---- */

static void *look_up_once(void *context)
{
    struct fixture *fixture = context;
    return fixture_serves_good_route(fixture) ? fixture : NULL;
}

static void ten_thousand_short_threads_leave_nothing_behind(void **state)
{
    struct fixture *fixture = *state;
    const struct process self = {.pid = getpid()};
    long before = 0;
    fixture_connect_with_good_route(fixture);
    for (int i = 0; i < THREADS; i += 4) {
        pthread_t threads[4];
        for (int j = 0; j < 4; j++)
            assert_int_equal(pthread_create(&threads[j], NULL, look_up_once, fixture), 0);
        for (int j = 0; j < 4; j++) {
            void *result = NULL;
            assert_int_equal(pthread_join(threads[j], &result), 0);
            assert_ptr_equal(result, fixture);
        }
        if (i == THREADS / 5)
            before = process_memory(&self);
    }
    assert_in_range(process_memory(&self), 1, before + THREAD_SLACK_KIB);
}

static void accept_all(int listener, int fds[static FETCHERS])
{
    for (int i = 0; i < FETCHERS; i++) {
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        assert_int_equal(poll(&waiting, 1, EVENTUALLY_MS), 1);
        fds[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
}

static void close_all(const int fds[static FETCHERS])
{
    for (int i = 0; i < FETCHERS; i++)
        close(fds[i]);
}

/* What they say counts, not when we notice: a busy machine would bring them together or apart. */
static int how_many_come_back_in(const struct fetcher fetchers[static FETCHERS], int tenths)
{
    char delay[32];
    int count = 0;
    snprintf(delay, sizeof(delay), "trying again in %d.%d s", tenths / 10, tenths % 10);
    for (int i = 0; i < FETCHERS; i++)
        count += process_said(&fetchers[i].process, delay) > 0;
    return count;
}

/* All lose the directory in one moment, and it is back at once. */
static void fetchers_that_lose_one_directory_do_not_come_back_together(void **state)
{
    static struct fetcher fetchers[FETCHERS];
    struct fixture *fixture = *state;
    int fds[FETCHERS], heard = 0;
    directory_listen(&fixture->directory);
    assert_int_equal(listen(fixture->directory.listener, FETCHERS), 0);
    for (int i = 0; i < FETCHERS; i++) {
        fetcher_init(&fetchers[i], fixture->directory.port);
        fetchers[i].config.reconnect_min_ms = fetchers[i].config.reconnect_max_ms = 2000;
        fetcher_start(&fetchers[i]);
    }
    accept_all(fixture->directory.listener, fds);
    close_all(fds);
    accept_all(fixture->directory.listener, fds);
    /* Of 20 who choose among ten delays: that 15 choose the same is a chance of one in a hundred billion. */
    for (int tenths = 10; tenths <= 20; tenths++) {
        int count = how_many_come_back_in(fetchers, tenths);
        assert_in_range(count, 0, FETCHERS * 3 / 4);
        heard += count;
    }
    assert_int_equal(heard, FETCHERS);
    close_all(fds);
    for (int i = 0; i < FETCHERS; i++)
        fetcher_dispose(&fetchers[i]);
}

/* What is due after the pause is requested at the pace of every day, and one burst. */
static void pause_of_the_machine_ends_without_a_storm(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    uint32_t requests = 0;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect_with_good_route(fixture);
    for (uint32_t i = 0; i < ROUTES; i++)
        fixture_answer(fixture, 3, i, 2, 80); /* pushed: not requested */
    for (uint32_t i = 0; i < ROUTES; i++) {
        fixture_lookup(fixture, 3, i);
        while (directory_takes(&fixture->directory, 0, &key))
            fixture_answer(fixture, key.modid, key.cmdid, key.modid == 7 ? 4 : 2, 80);
    }
    fixture->fetcher.config.requests_per_second = fixture->fetcher.config.resubscribe_per_second = RATE;
    fetcher_configure(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "reloaded ") == 1);
    process_signal(&fixture->fetcher.process, SIGSTOP);
    pause_ms(2500);
    while (directory_takes(&fixture->directory, 0, &key))
        continue;

    uint64_t began = clock_tick();
    process_signal(&fixture->fetcher.process, SIGCONT);
    for (uint64_t now; (now = clock_tick()) < began + 1000;) {
        for (uint32_t i = 0; i < ROUTES; i++)
            fixture_lookup(fixture, 3, i);
        while (directory_takes(&fixture->directory, 1, &key))
            assert_in_range(++requests, 1, RATE / 10 + 1 + (clock_tick() - began + 1) * RATE / 1000);
    }
    assert_true(requests > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(modes_are_as_documented_under_any_umask),
        fixture_test(squatted_names_are_refused_by_name),
        fixture_test(client_in_other_namespaces_looks_up_and_asks),
        fixture_test(client_with_a_read_only_control_looks_up_all_the_same),
        fixture_test(ten_thousand_short_threads_leave_nothing_behind),
        fixture_test(fetchers_that_lose_one_directory_do_not_come_back_together),
        fixture_test(pause_of_the_machine_ends_without_a_storm),
    };
    return cmocka_run_group_tests_name("integration/machine", tests, NULL, NULL);
}
