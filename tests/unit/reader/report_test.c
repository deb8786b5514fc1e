/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/call_cell.h"
#include "shm/clock.h"
#include "shm/writer/call_stats.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"

enum {
    PLENTY = 1 << 20,
    CALLS = 300, /* more than a batch */
    PROCESSES = 3,
    SLOW_MS = 100,
};

static bool keep(void *context, const struct call_report *report)
{
    *(struct call_report *)context = *report;
    return true;
}

/* What the fetcher gets of all calls since it collected last: of one host, or of none. */
static struct call_report collect(struct instance *instance)
{
    struct call_report report = {.cell = 0};
    writer_set_judge(instance->writer, keep, &report);
    writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    return report;
}

static const larshm_host host = {.modid = 1, .cmdid = 2, .addr = 0x0100000a, .port = 0x5000};

static void a_result_arrives_with_its_route_and_host(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (int i = 0; i < 10; i++)
        assert_int_equal(larshm_report(h, &host, i % 5 == 0 ? -1 : 0), LARSHM_OK);
    struct call_report report = collect(instance);
    assert_true(route_key_equal(report.key, route_key(1, 2)));
    assert_int_equal(report.host.address, host.addr);
    assert_int_equal(report.host.port, host.port);
    assert_int_equal(report.batch.succ, 8);
    assert_int_equal(report.batch.err, 2);
    larshm_close(h);
}

/* They have looked nothing up: each starts with its first report. */
static void processes_that_report_one_host_write_to_different_cache_lines(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    larshm *h = client_open(instance);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (int call = 0; call < CALLS; call++)
                if (larshm_report(h, &host, 0) != LARSHM_OK)
                    abort();
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    instance_map_control(instance, &region, &control);
    uint32_t cell =
        call_cell_find(&control, route_key(host.modid, host.cmdid), (struct host_addr){host.addr, host.port});
    assert_in_range(cell, 0, control.shape.call_cells - 1);
    int lines = 0;
    for (int shard = 0; shard < CALL_SHARDS; shard++)
        lines += load_relaxed(&control.s_successes[shard][cell]) == CALLS;
    assert_int_equal(lines, PROCESSES);
    assert_int_equal(collect(instance).batch.succ, PROCESSES * CALLS);
    region_close(&region);
    larshm_close(h);
}

static void g11_successes_and_failures_follow_to_the_newest_generation(void **state)
{
    struct instance *instance = *state;
    uint64_t collected = 0;
    larshm *h = client_open(instance);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < CALLS; i++)
            assert_int_equal(larshm_report(h, &host, i % 100 == 50 ? -1 : 0), LARSHM_OK);
        const struct call_report report = collect(instance);
        assert_int_equal(report.control, writer_control(instance->writer));
        assert_int_equal(report.batch.err, CALLS / 100);
        collected += report.batch.succ;
        instance_renew(instance);
    }
    assert_int_equal(collected, 4 * (CALLS - CALLS / 100));
    larshm_close(h);
}

/* A cell that has been named says nothing: the fetcher must have kept something of it. */
static void g10_g11_a_host_that_gets_no_record_is_refused_though_it_has_a_cell(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(larshm_report(h, &host, 0), LARSHM_OK);
    writer_set_hosts_full(instance->writer, true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(larshm_report(h, &host, -i), LARSHM_FULL);
    assert_int_equal(collect(instance).batch.succ, CALLS);
    for (int i = 0; i < 2; i++)
        assert_int_equal(larshm_report(h, &host, -i), LARSHM_OK);
    assert_int_equal(collect(instance).batch.succ, 1);
    larshm_close(h);
}

static void what_names_no_route_or_host_is_refused(void **state)
{
    static const larshm_host bad[] = {{UINT32_MAX, UINT32_MAX, 1, 1}, {1, 2, 0, 1}, {1, 2, 1, 0}};
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (int i = 0; i < 3; i++)
        assert_int_equal(larshm_report(h, &bad[i], 0), LARSHM_BAD_ARGUMENT);
    assert_true(host_addr_is_none(collect(instance).host));
    larshm_close(h);
}

static void a_slow_failure_counts_once_for_each_slow_call_ms(void **state)
{
    struct instance *instance = *state;
    instance->options.settings.slow_call_ms = SLOW_MS;
    writer_reload(instance->writer, &instance->options);
    larshm *h = client_open(instance);
    larshm_report_timed(h, &host, -1, SLOW_MS - 1);
    assert_int_equal(collect(instance).batch.extra, 0);
    larshm_report_timed(h, &host, -1, 3 * SLOW_MS);
    struct call_report report = collect(instance);
    assert_int_equal(report.batch.err, 1);
    assert_int_equal(report.batch.extra, 2);
    larshm_report_timed(h, &host, 0, 3 * SLOW_MS);
    report = collect(instance);
    assert_int_equal(report.batch.succ, 1);
    assert_int_equal(report.batch.extra, 0);
    larshm_close(h);
}

static void without_a_control_object_a_result_has_no_room(void **state)
{
    struct instance *instance = *state;
    shm_unlink(instance->names.control);
    larshm *h = client_open(instance);
    assert_int_equal(larshm_report(h, &host, 0), LARSHM_FULL);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_result_arrives_with_its_route_and_host),
        TEST(processes_that_report_one_host_write_to_different_cache_lines),
        TEST(g11_successes_and_failures_follow_to_the_newest_generation),
        TEST(g10_g11_a_host_that_gets_no_record_is_refused_though_it_has_a_cell),
        TEST(what_names_no_route_or_host_is_refused),
        TEST(a_slow_failure_counts_once_for_each_slow_call_ms),
        TEST(without_a_control_object_a_result_has_no_room),
    };
    return cmocka_run_group_tests_name("unit/reader/report", tests, NULL, NULL);
}
