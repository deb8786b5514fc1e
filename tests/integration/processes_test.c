/* SPDX-License-Identifier: MIT */
/* An instance and its processes: fetchers that die, and clients of other users. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/check.h"
#include "shm/clock.h"
#include "shm/control.h"
#include "shm/reader/call_stats.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/retired_control.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void g5_fetcher_killed_while_publishing_loses_nothing(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[HOSTS_MAX];
    instance_put_keys(instance, 800, 1);
    instance_stop(instance);
    for (int kill_after_ms = 1; kill_after_ms < 12; kill_after_ms++) {
        pid_t child = fork();
        if (child == 0) {
            /* A table is refused now and then: retired blocks wait for grace_ms, and max_bytes is small. */
            if (writer_open(&instance->writer, &instance->options, &instance->event) != SHM_OK)
                _exit(1);
            for (uint32_t round = 1;; round++)
                for (uint64_t key = 1; key <= 800; key++) {
                    self_checking_hosts(key, round, (uint32_t)(key % 9), hosts);
                    put_by_key(instance->writer, numbered_key(key), hosts, (uint32_t)(key % 9), NULL, 15,
                               clock_tick());
                }
        }
        usleep((useconds_t)kill_after_ms * 1700);
        int result;
        kill(child, SIGKILL);
        waitpid(child, &result, 0);
        assert_true(WIFSIGNALED(result));
        instance_start(instance);
        struct region region;
        struct routes routes;
        struct check_report report;
        assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
        assert_int_equal(check_routes(&routes, &report), SHM_OK);
        assert_int_equal(report.keys, 800);
        region_close(&region);
        instance_stop(instance);
    }
    instance_start(instance);
}

static void second_fetcher_is_refused_with_the_pid_of_the_first(void **state)
{
    struct instance *instance = *state;
    uint64_t first = (uint64_t)getpid();
    instance_put_keys(instance, 10, 1);
    pid_t child = fork();
    if (child == 0) {
        struct writer *second = NULL;
        enum shm_status status = writer_open(&second, &instance->options, &instance->event);
        _exit(status == SHM_RUNNING && instance->event.kind == EVENT_RUNNING &&
                      instance->event.number[0] == first
                  ? 0
                  : 1);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    instance_expect_keys(instance, 10, 1);
}

static void record_results(struct instance *instance, int count)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    for (int i = 0; i < count; i++)
        assert_int_equal(call_stats_record(&control, numbered_key(1), (struct host_addr){1, 1}, true, 1, 0),
                         SHM_OK);
    region_close(&region);
}

/* Starts a fetcher in a child, which dies without having taken any result. */
static void fetcher_that_dies(struct instance *instance, int before, bool renews, int after)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        instance_start(instance);
        record_results(instance, before);
        if (renews)
            instance_renew(instance);
        record_results(instance, after);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Opens what a fetcher that died has retired: the only one. */
static int open_retired_control(const struct instance *instance)
{
    struct retired_name name;
    char path[OBJECT_NAME_MAX + 32];
    assert_int_equal(retired_control_list(&instance->names, &name, 1), 1);
    assert_int_equal(name.salt, 0);
    snprintf(path, sizeof(path), "/dev/shm%s.%llu", instance->names.control, (unsigned long long)name.number);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Clients can write to them. One that says to be larger than it is, or is, or is cut, costs the results in it. */
static void a_retired_control_object_is_trusted_only_at_its_own_size(void **state)
{
    struct instance *instance = *state;
    const uint32_t many = CALL_CELLS_MAX;
    instance_stop(instance);
    for (int kind = 0; kind < 4; kind++) {
        fetcher_that_dies(instance, 10, true, 0);
        int fd = open_retired_control(instance);
        const struct control_shape shape = {4096, many, 0};
        if (kind == 0 || kind == 1)
            assert_int_equal(pwrite(fd, &many, 4, offsetof(struct control_header, call_cells)), 4);
        if (kind == 1) {
            assert_int_equal(pwrite(fd, &shape.slot_count, 4, offsetof(struct control_header, slot_count)),
                             4);
            assert_int_equal(ftruncate(fd, (off_t)control_size(shape)), 0);
        }
        if (kind == 2)
            assert_int_equal(ftruncate(fd, 100), 0);
        if (kind == 3)
            assert_int_equal(ftruncate(fd, 0), 0);
        close(fd);
        instance_start(instance);
        uint64_t taken = 0;
        struct retired_name left[2];
        writer_set_judge(instance->writer, instance_add_up, &taken);
        writer_collect_calls(instance->writer, 1 << 20, 1, clock_tick());
        assert_int_equal(taken, 0);
        /* Only the one that this fetcher has replaced itself is there now. */
        assert_int_equal(retired_control_list(&instance->names, left, 2), 1);
        instance_stop(instance);
    }
    instance_start(instance);
}

static void g11_results_that_several_dead_fetchers_left_are_collected_by_the_next(void **state)
{
    struct instance *instance = *state;
    uint64_t taken = 0;
    instance_stop(instance);
    fetcher_that_dies(instance, 1000, true, 100);
    fetcher_that_dies(instance, 10, false, 0);
    fetcher_that_dies(instance, 0, true, 1);
    instance_start(instance);
    writer_set_judge(instance->writer, instance_add_up, &taken);
    writer_collect_calls(instance->writer, 1 << 20, 1, clock_tick());
    assert_int_equal(taken, 1111);
    /* Once drained, nothing is left of them. */
    assert_int_equal(writer_maintain(instance->writer, clock_tick() + 3600 * 1000), SHM_OK);
    assert_int_equal(instance_objects(instance), 3);
}

/* In a child that has given its rights away: 0, or the number of the first thing that is wrong. */
static int without_permission(const struct instance *instance)
{
    larshm *h = NULL;
    larshm_host host;
    larshm_route_info info;
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 1;
    if (larshm_open(&h, instance->name) != LARSHM_OK)
        return 2;
    if (larshm_get_host(h, 0, 1, &host) != LARSHM_OK)
        return 3;
    if (larshm_get_host(h, 0, 2, &host) != LARSHM_NO_PERMISSION)
        return 4;
    if (larshm_wait_route(h, 0, 2, 5000) != LARSHM_NO_PERMISSION)
        return 5;
    if (larshm_info(h, 0, 1, &info) != LARSHM_OK || info.can_ask)
        return 6;
    larshm_close(h);
    return 0;
}

static void a_client_that_may_not_ask_still_looks_up(void **state)
{
    struct instance *instance = *state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give its rights away\n");
        skip();
    }
    instance_put(instance, 1, 1, 4, 1);
    instance_heartbeat(instance, clock_tick() + 5000);
    pid_t child = fork();
    if (child == 0)
        _exit(without_permission(instance));
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    assert_int_equal(instance_flagged(instance).count, 0);
    assert_int_equal(instance_missed(instance).count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(g5_fetcher_killed_while_publishing_loses_nothing),
        TEST(second_fetcher_is_refused_with_the_pid_of_the_first),
        TEST(a_retired_control_object_is_trusted_only_at_its_own_size),
        TEST(g11_results_that_several_dead_fetchers_left_are_collected_by_the_next),
        TEST(a_client_that_may_not_ask_still_looks_up),
    };
    return cmocka_run_group_tests_name("integration/processes", tests, NULL, NULL);
}
