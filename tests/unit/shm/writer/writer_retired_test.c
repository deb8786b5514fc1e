/* SPDX-License-Identifier: MIT */
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "shm/writer/call_stats.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    PLENTY = 1 << 20,
};

static void results_in_a_replaced_control_object_are_collected(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    instance_map_control(instance, &region, &control);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    instance_renew(instance);
    instance_renew(instance);
    /* A client that has not moved on yet. */
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    for (int again = 0; again < 2; again++)
        writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    assert_int_equal(collected, 2);
    region_close(&region);
}

/* A client has not moved on yet when the fetcher stops, and its last collection is over. */
static void g11_results_that_a_stopped_fetcher_left_are_collected_by_the_next(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    instance_map_control(instance, &region, &control);
    instance_renew(instance);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    instance_stop(instance);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    instance_start(instance);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    for (int again = 0; again < 2; again++)
        writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    assert_int_equal(collected, 2);
    region_close(&region);
}

/* Clients report so many hosts, and the control object grows. */
static void report_hosts(struct instance *instance, uint32_t hosts)
{
    uint64_t collected = 0;
    struct region region;
    struct control control;
    writer_set_judge(instance->writer, instance_add_up, &collected);
    for (uint32_t host = 0; host < hosts;) {
        instance_map_control(instance, &region, &control);
        while (host < hosts &&
               call_stats_record(&control, numbered_key(1), numbered_host(host + 1), true, 1, 0) == SHM_OK)
            host++;
        writer_collect_calls(instance->writer, PLENTY, hosts, clock_tick());
        region_close(&region);
    }
}

static uint64_t bytes_of_objects(const struct instance *instance)
{
    char pattern[PATH_MAX];
    struct stat st;
    uint64_t bytes = 0;
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s%s*", region_directory(), instance->names.routes);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (stat(found.gl_pathv[i], &st) == 0)
            bytes += (uint64_t)st.st_size;
    globfree(&found);
    return bytes;
}

static void
g10_g11_control_objects_that_many_dead_fetchers_left_are_bounded_and_their_results_collected(void **state)
{
    enum {
        HOSTS = 4000,
        FETCHERS = 12
    };
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0, first = 0;
    report_hosts(instance, HOSTS);
    for (int fetcher = 0; fetcher < FETCHERS; fetcher++) {
        instance_map_control(instance, &region, &control);
        assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
        region_close(&region);
        instance_stop(instance);
        instance_start(instance);
        writer_set_judge(instance->writer, instance_add_up, &collected);
        if (fetcher == 0)
            first = bytes_of_objects(instance);
    }
    writer_collect_calls(instance->writer, PLENTY, HOSTS, clock_tick());
    assert_int_equal(collected, FETCHERS);
    /* A few MB of them are kept, and these objects are 2 MB each. */
    assert_in_range(bytes_of_objects(instance), 0, 3 * first);
}

static uint64_t size_of_control(const struct instance *instance)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    uint64_t size = region.size;
    region_close(&region);
    return size;
}

/* They collect nothing, so each leaves one more. What was counted is there, and so is the room for all hosts once one lives. */
static void g10_g11_fetchers_that_die_before_they_collect_leave_bounded_bytes_and_all_results(void **state)
{
    enum {
        HOSTS = 16000,
        FETCHERS = 12
    };
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    report_hosts(instance, HOSTS);
    uint64_t large = size_of_control(instance);
    for (int fetcher = 0; fetcher < FETCHERS; fetcher++) {
        instance_map_control(instance, &region, &control);
        assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
        region_close(&region);
        instance_stop(instance);
        instance_start(instance);
    }
    assert_in_range(bytes_of_objects(instance), 0, 5 * large);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    for (int again = 0; again < 2; again++)
        writer_collect_calls(instance->writer, PLENTY, HOSTS, clock_tick());
    assert_int_equal(collected, FETCHERS);
    assert_int_equal(size_of_control(instance), large);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(results_in_a_replaced_control_object_are_collected),
        TEST(g10_g11_control_objects_that_many_dead_fetchers_left_are_bounded_and_their_results_collected),
        TEST(g10_g11_fetchers_that_die_before_they_collect_leave_bounded_bytes_and_all_results),
        TEST(g11_results_that_a_stopped_fetcher_left_are_collected_by_the_next),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_retired", tests, NULL, NULL);
}
