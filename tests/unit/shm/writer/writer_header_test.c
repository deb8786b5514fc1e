/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "shm/directory_name.h"
#include "shm/latency.h"
#include "tests/support/instance.h"

static void counters_and_the_connection_stay_through_a_new_generation(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    writer_count(instance->writer, COUNTER_answers, 3);
    writer_count(instance->writer, COUNTER_answers, 4);
    writer_gauge(instance->writer, COUNTER_held, 2);
    writer_connection(instance->writer, CONNECTION_UP, clock_tick());
    writer_set_data_version(instance->writer, 77);
    writer_set_directory(instance->writer, "a:1");
    writer_add_latency(instance->writer, 300);
    uint64_t generation = writer_generation(instance->writer);
    instance_renew(instance);
    assert_true(writer_generation(instance->writer) > generation);
    assert_int_equal(writer_counter(instance->writer, COUNTER_answers), 7);
    assert_int_equal(writer_counter(instance->writer, COUNTER_held), 2);
    assert_int_equal(writer_connection_state(instance->writer), CONNECTION_UP);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(load_relaxed(&routes.s_header->counters[COUNTER_answers]), 7);
    assert_int_equal(writer_data_version(instance->writer), 77);
    char directory[DIRECTORY_NAME];
    directory_name_read(routes.s_header, directory);
    assert_string_equal(directory, "a:1");
    struct latency latency;
    latency_read(routes.s_header, &latency);
    assert_int_equal(latency.counts[2], 1);
    assert_int_equal(latency.sum_us, 300);
    region_close(&region);
}

static void a_reload_publishes_its_settings(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    instance->options.settings.probe_num = 77;
    instance->options.settings.update_timeout_s = 5;
    writer_reload(instance->writer, &instance->options);
    const struct settings settings = settings_read(&routes.s_header->settings);
    assert_int_equal(settings.probe_num, 77);
    assert_int_equal(settings.update_timeout_s, 5);
    region_close(&region);
}

static void an_outage_is_as_long_as_all_attempts_in_it(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    const _Atomic uint64_t *s_since = &routes.s_header->connection_tick;
    writer_connection(instance->writer, CONNECTION_UP, 1000);
    writer_connection(instance->writer, CONNECTION_WAITING, 2000);
    writer_connection(instance->writer, CONNECTION_CONNECTING, 3000);
    writer_connection(instance->writer, CONNECTION_WAITING, 4000);
    assert_int_equal(writer_connection_state(instance->writer), CONNECTION_WAITING);
    assert_int_equal(load_relaxed(s_since), 2000);
    writer_connection(instance->writer, CONNECTION_CONNECTING, 5000);
    writer_connection(instance->writer, CONNECTION_UP, 6000);
    assert_int_equal(load_relaxed(s_since), 6000);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(counters_and_the_connection_stay_through_a_new_generation),
        TEST(a_reload_publishes_its_settings),
        TEST(an_outage_is_as_long_as_all_attempts_in_it),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_header", tests, NULL, NULL);
}
