/* SPDX-License-Identifier: MIT */
/* Handles whose surroundings change: another root directory, other users, descriptors that are closed or used up. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader/place.h"
#include "shm/clock.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"
#include "tools/bench/private_instance.h"

enum {
    NOT_HERE = 77, /* exit status: this machine, or this user, may not do it */
    OTHER_USER = 12345,
};

/* The child looks up once for each byte that it is sent, and answers with the version of what it found; 0: an error. */
struct child {
    pid_t pid;
    int to, from;
};

static void look_up_on_demand(const struct instance *instance, int (*enter)(void), int requests, int answers)
{
    larshm *h = NULL;
    char byte;
    int code = larshm_open(&h, instance->name);
    code = code == LARSHM_OK ? enter() : code;
    if (code != 0)
        _exit(code == NOT_HERE ? NOT_HERE : 1);
    while (read(requests, &byte, 1) == 1) {
        larshm_view view = {0};
        uint64_t version = 0;
        if (larshm_route_begin(h, numbered_key(1).modid, numbered_key(1).cmdid, &view) == LARSHM_OK) {
            version = view.version;
            larshm_route_end(h, &view);
        }
        if (write(answers, &version, sizeof(version)) != sizeof(version))
            break;
    }
    larshm_close(h);
    _exit(0);
}

static struct child start(const struct instance *instance, int (*enter)(void))
{
    int requests[2], answers[2];
    assert_int_equal(pipe(requests), 0);
    assert_int_equal(pipe(answers), 0);
    /* Numbers that no client's first descriptors have. */
    int in = fcntl(requests[0], F_DUPFD, 100), out = fcntl(answers[1], F_DUPFD, 100);
    pid_t pid = fork();
    if (pid == 0) {
        close(requests[1]);
        look_up_on_demand(instance, enter, in, out);
    }
    close(requests[0]);
    close(answers[1]);
    close(in);
    close(out);
    return (struct child){pid, requests[1], answers[0]};
}

static uint64_t look(const struct child *child)
{
    uint64_t version = 0;
    if (write(child->to, "", 1) != 1 || read(child->from, &version, sizeof(version)) != sizeof(version))
        return 0;
    return version;
}

static int finish(const struct child *child)
{
    int status = 0;
    close(child->to);
    close(child->from);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Three generations, each with another version of the route: a client that has entered its surroundings sees each of them. */
static void expect_follows(struct instance *instance, int (*enter)(void))
{
    if (geteuid() != 0)
        skip();
    signal(SIGPIPE, SIG_IGN);
    instance_put(instance, 1, 0, 1, 60);
    struct child child = start(instance, enter);
    uint64_t before = look(&child);
    uint32_t followed = 0;
    while (before && followed < 3) {
        instance_renew(instance);
        instance_put(instance, 1, followed + 1, 1, 60);
        uint64_t after = look(&child);
        if (after <= before)
            break;
        before = after;
        followed++;
    }
    int status = finish(&child);
    if (status == NOT_HERE)
        skip();
    assert_int_equal(status, 0);
    assert_int_equal(followed, 3);
}

static int enter_empty_root(void)
{
    char root[] = "/tmp/larshm-root-XXXXXX";
    if (!mkdtemp(root) || chroot(root) != 0 || chdir("/") != 0)
        return 1;
    return access("/dev/shm", F_OK) == 0;
}

static void client_in_another_root_directory_follows(void **state)
{
    expect_follows(*state, enter_empty_root);
}

static int become_other_user(void)
{
    return setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0;
}

static void client_that_becomes_another_user_follows(void **state)
{
    expect_follows(*state, become_other_user);
}

static int close_all(void)
{
    for (int fd = 0; fd < 100; fd++)
        close(fd);
    return 0;
}

static void client_that_closes_all_descriptors_follows(void **state)
{
    expect_follows(*state, close_all);
}

/* Every number that the library may have is a directory of the program's own now. */
static int reuse_all(void)
{
    int mine = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int fd = 0; fd < 100; fd++)
        if (fd != mine && dup2(mine, fd) < 0)
            return 1;
    return 0;
}

static void client_that_reuses_all_descriptors_follows(void **state)
{
    expect_follows(*state, reuse_all);
}

static void closing_leaves_reused_descriptors_alone(void **state)
{
    const struct instance *instance = *state;
    larshm *h = client_open(instance);
    int mine = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kept = mine - 1;
    struct stat st;
    assert_int_equal(fstat(kept, &st), 0); /* the library's: opened just before */
    assert_int_equal(dup2(mine, kept), kept);
    larshm_close(h);
    assert_int_equal(fcntl(kept, F_GETFD), 0);
    close(kept);
    close(mine);
}

static void descriptor_is_closed_by_exec_and_with_the_handle(void **state)
{
    larshm *h = client_open(*state);
    int next = open("/tmp", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fcntl(next - 1, F_GETFD), FD_CLOEXEC);
    larshm_close(h);
    assert_int_equal(fcntl(next - 1, F_GETFD), -1);
    close(next);
}

static void standard_descriptors_stay_free(void **state)
{
    const struct instance *instance = *state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        larshm *h;
        close(0);
        close(1);
        close(2);
        _exit(larshm_open(&h, instance->name) == LARSHM_OK && fcntl(0, F_GETFD) == -1 &&
                      fcntl(1, F_GETFD) == -1 && fcntl(2, F_GETFD) == -1
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The fetcher's user changes: its objects are removed, and those of another uid take their place. */
static bool give_to(const struct instance *instance, uid_t owner)
{
    return chown(object_path(instance->names.routes), owner, (gid_t)-1) == 0 &&
           chown(object_path(instance->names.control), owner, (gid_t)-1) == 0;
}

static void client_follows_a_fetcher_whose_listed_user_changes(void **state)
{
    struct instance *instance = *state;
    if (geteuid() != 0)
        skip();
    setenv("LARSHM_TRUST_UID", "12345,23456", 1);
    instance_put(instance, 1, 0, 1, 60);
    larshm *h = client_open(instance);
    unsetenv("LARSHM_TRUST_UID");
    static const uid_t owners[] = {OTHER_USER, 23456};
    for (uint32_t i = 0; i < 2; i++) {
        larshm_view view = {0};
        instance_renew(instance);
        assert_true(give_to(instance, owners[i]));
        instance_put(instance, 1, i + 1, 1, 60);
        assert_int_equal(larshm_route_begin(h, numbered_key(1).modid, numbered_key(1).cmdid, &view),
                         LARSHM_OK);
        uint32_t seen = UINT32_MAX;
        assert_true(self_checking_holds(1, 0, (struct host_addr){view.addr[0], view.port[0]}, &seen));
        assert_int_equal(seen, i + 1);
        assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    }
    larshm_close(h);
    assert_true(give_to(instance, geteuid()));
}

static int cut_off_reason(larshm *h)
{
    larshm_route_info info = {0};
    assert_int_equal(larshm_info(h, numbered_key(1).modid, numbered_key(1).cmdid, &info), LARSHM_OK);
    return info.cut_off;
}

static int look_and_report(larshm *h)
{
    larshm_host host;
    assert_int_equal(larshm_get_host(h, numbered_key(1).modid, numbered_key(1).cmdid, &host),
                     LARSHM_OK); /* G9 */
    return larshm_report(h, &host, 0);
}

static void *do_look_and_report(void *h)
{
    return (void *)(intptr_t)look_and_report(h);
}

/* In a thread that does nothing else. */
static int look_and_report_briefly(larshm *h)
{
    pthread_t thread;
    void *code;
    assert_int_equal(pthread_create(&thread, NULL, do_look_and_report, h), 0);
    assert_int_equal(pthread_join(thread, &code), 0);
    return (int)(intptr_t)code;
}

static void g9_g11_client_without_descriptors_says_that_it_is_cut_off_and_takes_no_result(void **state)
{
    struct instance *instance = *state;
    struct rlimit before;
    larshm_host host;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    instance_put(instance, 1, 0, 1, 60);
    larshm *h = client_open(instance);
    assert_int_equal(look_and_report(h), LARSHM_OK);
    assert_int_equal(cut_off_reason(h), LARSHM_OK);
    instance_renew(instance);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int code = look_and_report(h), reason = cut_off_reason(h);
    int unknown = larshm_get_host(h, 77, 77, &host), waited = larshm_wait_route(h, 77, 77, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, LARSHM_CUT_OFF);
    assert_int_equal(reason, LARSHM_SYSTEM_ERROR);
    assert_int_equal(unknown, LARSHM_CUT_OFF);
    assert_int_equal(waited, LARSHM_CUT_OFF);
    eventually(look_and_report(h) == LARSHM_OK);
    assert_int_equal(cut_off_reason(h), LARSHM_OK);
    assert_int_equal(larshm_get_host(h, 77, 77, &host), LARSHM_PENDING);
    larshm_close(h);
}

static void g11_thread_that_looks_up_once_sees_that_the_objects_are_gone(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 0, 1, 60);
    larshm *h = client_open(instance);
    instance_heartbeat(instance, clock_tick() - 10000);
    instance_stop(instance);
    assert_int_equal(look_and_report_briefly(h), LARSHM_OK); /* kept for the next fetcher */
    private_instance_remove(&instance->names);
    eventually(look_and_report_briefly(h) == LARSHM_CUT_OFF);
    assert_int_equal(cut_off_reason(h), LARSHM_NO_OBJECT);
    instance_start(instance);
    instance_put(instance, 1, 1, 1, 60);
    eventually(look_and_report_briefly(h) == LARSHM_OK);
    assert_int_equal(cut_off_reason(h), LARSHM_OK);
    larshm_close(h);
}

static void client_of_a_fetcher_that_comes_back_is_not_cut_off(void **state)
{
    struct instance *instance = *state;
    const char *path = object_path(instance->names.routes);
    char away[128];
    snprintf(away, sizeof(away), "%s.away", path);
    instance_put(instance, 1, 0, 1, 60);
    larshm *h = client_open(instance);
    instance_heartbeat(instance, clock_tick() - 10000);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(look_and_report_briefly(h), LARSHM_CUT_OFF);
    instance_heartbeat(instance, clock_tick());
    assert_int_equal(look_and_report_briefly(h), LARSHM_OK);
    assert_int_equal(rename(away, path), 0);
    larshm_close(h);
}

/* An object of another layout has taken the name. */
static void replace_with_other_layout(const struct instance *instance)
{
    const char *path = object_path(instance->names.routes);
    struct region region, other;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(region_create(instance->names.routes, region.size, 0644, (gid_t)-1, &other), SHM_OK);
    memcpy(other.s_base, region.s_base, region.size);
    ((struct routes_header *)other.s_base)->id.layout_version = LAYOUT_VERSION + 1;
    region_close(&other);
    region_close(&region);
}

static void client_of_a_fetcher_with_another_layout_learns_that(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 0, 1, 60);
    larshm *h = client_open(instance);
    instance_heartbeat(instance, clock_tick() - 10000);
    replace_with_other_layout(instance);
    assert_int_equal(look_and_report_briefly(h), LARSHM_LAYOUT);
    assert_int_equal(cut_off_reason(h), LARSHM_LAYOUT);
    larshm_close(h);
}

/* An empty object, for its identity. */
static struct region make_object(const char *directory, const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof(path), "%s%s", directory, name);
    int fd = open(path, O_CREAT | O_RDWR, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    close(fd);
    return (struct region){.device = st.st_dev, .inode = st.st_ino};
}

static void expect_home(const struct place *place, const struct region *current, bool kept)
{
    struct place_visit visit;
    assert_int_equal(place_enter_home(place, "/object", current, &visit), SHM_OK);
    assert_int_equal(visit.kept, kept);
    if (!kept)
        assert_int_equal(faccessat(visit.directory, "new", F_OK, 0), 0);
    assert_true(place_leave(place, &visit));
}

static void the_home_of_a_routes_object_is_the_directory_that_has_it_under_its_name(void **state)
{
    (void)state;
    char root[] = "/tmp/larshm-home-XXXXXX", path[64], aside[64];
    struct place place;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/objects", root);
    snprintf(aside, sizeof(aside), "%s/aside", root);
    assert_int_equal(mkdir(path, 0755), 0);
    setenv("LARSHM_DIRECTORY", path, 1);
    assert_int_equal(place_begin(&place), SHM_OK);
    const struct region old = make_object(path, "/object");
    expect_home(&place, &old, true);
    assert_int_equal(rename(path, aside), 0);
    expect_home(&place, &old, true);
    assert_int_equal(mkdir(path, 0755), 0);
    const struct region new = make_object(path, "/object");
    make_object(path, "/new");
    expect_home(&place, &old, true);
    expect_home(&place, &new, false);
    const struct region nowhere = {.inode = 1};
    expect_home(&place, &nowhere, true);
    place_end(&place);
    unsetenv("LARSHM_DIRECTORY");
    static const char *const made[] = {"/aside/object", "/objects/object", "/objects/new",
                                       "/aside",        "/objects",        ""};
    for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
        snprintf(path, sizeof(path), "%s%s", root, made[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void wrong_environment_is_refused(void **state)
{
    static const char *const names[] = {"LARSHM_TRUST_UID", "LARSHM_DIRECTORY"};
    const struct instance *instance = *state;
    for (int i = 0; i < 2; i++) {
        larshm *h = NULL;
        setenv(names[i], "larshm", 1);
        assert_int_equal(larshm_open(&h, instance->name), LARSHM_BAD_ARGUMENT);
        unsetenv(names[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(client_in_another_root_directory_follows),
        TEST(client_that_becomes_another_user_follows),
        TEST(client_that_closes_all_descriptors_follows),
        TEST(client_that_reuses_all_descriptors_follows),
        TEST(closing_leaves_reused_descriptors_alone),
        TEST(descriptor_is_closed_by_exec_and_with_the_handle),
        TEST(standard_descriptors_stay_free),
        TEST(client_follows_a_fetcher_whose_listed_user_changes),
        TEST(g9_g11_client_without_descriptors_says_that_it_is_cut_off_and_takes_no_result),
        TEST(g11_thread_that_looks_up_once_sees_that_the_objects_are_gone),
        TEST(client_of_a_fetcher_that_comes_back_is_not_cut_off),
        TEST(client_of_a_fetcher_with_another_layout_learns_that),
        TEST(the_home_of_a_routes_object_is_the_directory_that_has_it_under_its_name),
        TEST(wrong_environment_is_refused),
    };
    return cmocka_run_group_tests_name("unit/reader/place", tests, NULL, NULL);
}
