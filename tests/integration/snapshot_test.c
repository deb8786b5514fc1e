/* SPDX-License-Identifier: MIT */
/* What a fetcher knows outlives a reboot, in its snapshot: here the objects are removed while no fetcher runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetcher/checksum.h"
#include "shm/clock.h"
#include "tests/support/admin.h"
#include "tests/support/rotation.h"
#include "tools/bench/private_instance.h"

enum {
    BAD = 2,
    DRAINED = 3,
    PINNED = 4,
    SUCCESSES = 40,
    LARGE_ROUTES = 200,
    YEARS_S = 20 * 365 * 86400,
};

static char folder[80], path[100];

static int setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    snprintf(folder, sizeof(folder), "%s/state", fixture->fetcher.home);
    snprintf(path, sizeof(path), "%s/snapshot", folder);
    fixture->fetcher.config.snapshot = path;
    return mkdir(folder, 0755);
}

static int teardown(void **state)
{
    char other[120];
    struct fixture *fixture = *state;
    process_kill(&fixture->fetcher.process);
    snprintf(other, sizeof(other), "%s.other", path);
    unlink(path);
    unlink(other);
    rmdir(folder);
    return fixture_teardown(state);
}

static void override(const struct fixture *fixture, const char *name, int last)
{
    assert_string_equal(
        admin_command(&fixture->fetcher,
                      "{\"version\":1,\"command\":\"%s\",\"modid\":1,\"cmdid\":1,\"host\":\"10.0.0.%d:%d\"}",
                      name, last, ROTATION_PORT),
        "ok");
}

/* The objects go with the machine's memory; no directory answers from now on. */
static void shut_down(struct fixture *fixture)
{
    directory_refuse(&fixture->directory);
    larshm_close(fixture->client);
    fixture->client = NULL;
    private_instance_remove(&fixture->fetcher.names);
}

static void reboot(struct fixture *fixture)
{
    fetcher_stop(&fixture->fetcher);
    shut_down(fixture);
    fixture_start(fixture);
}

static bool logged(const struct fixture *fixture, const char *text)
{
    return process_said(&fixture->fetcher.process, text) > 0;
}

/* ---- the file as a test may change it ---- */

static uint8_t *read_file(size_t *size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_file(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* As if the clock had been so far ahead when the snapshot was taken; its other times stay. */
static void shift_written(int64_t seconds)
{
    size_t size;
    uint64_t written;
    uint8_t *bytes = read_file(&size);
    memcpy(&written, bytes + 24, sizeof(written));
    written += (uint64_t)(seconds * 1000);
    memcpy(bytes + 24, &written, sizeof(written));
    uint32_t checksum = crc32c(bytes + 16, size - 16);
    memcpy(bytes + 12, &checksum, sizeof(checksum));
    write_file(bytes, size);
    free(bytes);
}

/* ---- a reboot ---- */

static void g9_lookups_are_answered_at_once_after_a_reboot_without_a_directory(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    fixture_learn(fixture, 1, 2, 250, 7000);
    uint64_t confirmed = clock_unix_ms();
    reboot(fixture);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
    assert_true(fixture_serves(fixture, 1, 2, 250, 7000));
    const larshm_route_info info = fixture_info(fixture, 1, 1);
    assert_true(info.expired);
    assert_int_equal(info.update_timeout_s, fixture->fetcher.config.update_timeout);
    assert_in_range(info.snapshot_unix_ms, confirmed, clock_unix_ms());
    assert_in_range(info.age_ms, info.snapshot_unix_ms - confirmed, clock_unix_ms() - confirmed + 60000);
    assert_true(logged(fixture, "restored 2 routes from the snapshot of "));
}

static void routes_are_confirmed_by_the_directory_when_it_is_back(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    reboot(fixture);
    assert_true(fixture_info(fixture, 1, 1).snapshot_unix_ms > 0);
    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    assert_true(route_key_equal(key, route_key(1, 1)));
    fixture_answer(fixture, 1, 1, 4, 7000);
    eventually(fixture_info(fixture, 1, 1).snapshot_unix_ms == 0);
    assert_false(fixture_info(fixture, 1, 1).expired);
}

static void g11_totals_overrides_and_ejections_outlive_a_reboot(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_report(fixture->client, 1, 0, SUCCESSES);
    eventually(rotation_counted(fixture, 1, SUCCESSES));
    rotation_eject(fixture, BAD);
    override(fixture, "drain", DRAINED);
    override(fixture, "pin", PINNED);
    for (int i = 0; i < 2; i++) {
        uint64_t since = clock_tick() - rotation_health(fixture, BAD).since;
        reboot(fixture);
        const struct picks picks = rotation_pick(fixture->client, ROTATION_PICKS);
        assert_int_equal(picks.of[DRAINED], 0);
        assert_true(picks.of[BAD] < picks.of[1] / 2);
        assert_true(rotation_counted(fixture, 1, SUCCESSES));
        assert_int_equal(rotation_health(fixture, DRAINED).override, OVERRIDE_DRAINED);
        assert_int_equal(rotation_health(fixture, PINNED).override, OVERRIDE_PINNED);
        assert_true(rotation_overloaded(fixture, BAD));
        assert_int_equal(rotation_health(fixture, BAD).total_err, ROTATION_STREAK);
        assert_true(clock_tick() - rotation_health(fixture, BAD).since >= since);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_overloaded), 1);
    }
}

static void ejection_ends_in_time_after_a_reboot(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    fixture->fetcher.config.more = "[loadbalance]\noverload_timeout = 1\nslow_start = 0\n";
    reboot(fixture);
    eventually(!rotation_overloaded(fixture, BAD));
    rotation_expect_all(fixture->client);
}

/* The machine loses its power: what counts is the snapshot of the last interval. */
static void snapshot_is_taken_each_interval(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[fetcher]\nsnapshot_interval = 1\n[loadbalance]\noverload_timeout = 3600\n");
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) == 1);
    override(fixture, "drain", DRAINED);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) == 2);
    process_kill(&fixture->fetcher.process);
    shut_down(fixture);
    fixture_start(fixture);
    assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[DRAINED], 0);
    assert_true(fixture_serves(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT));
}

static void objects_that_are_there_are_newer_than_the_snapshot(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    fetcher_stop(&fixture->fetcher);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 4, 7000);
    process_kill(&fixture->fetcher.process);
    fixture_start(fixture);
    assert_true(fixture_serves(fixture, 1, 2, 4, 7000));
    assert_int_equal(fixture_info(fixture, 1, 1).snapshot_unix_ms, 0);
}

static void empty_path_is_no_snapshot(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.snapshot = "";
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    reboot(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 1), LARSHM_PENDING);
    assert_int_equal(access(path, F_OK), -1);
}

/* ---- clocks ---- */

static void clock_that_is_wrong_by_years_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    override(fixture, "drain", DRAINED);
    static const int shifts[] = {YEARS_S, -2 * YEARS_S, YEARS_S};
    for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
        fetcher_stop(&fixture->fetcher);
        shut_down(fixture);
        shift_written(shifts[i]);
        fixture_start(fixture);
        assert_true(fixture_serves(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT));
        assert_true(fixture_info(fixture, 1, 1).expired);
        assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[DRAINED], 0);
    }
}

/* ---- files that cannot be used, or written ---- */

static void damaged_file_is_put_aside_and_costs_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t size;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    fetcher_stop(&fixture->fetcher);
    uint8_t *bytes = read_file(&size);
    bytes[size / 2] ^= 1;
    write_file(bytes, size);
    free(bytes);
    shut_down(fixture);
    fixture_start(fixture);
    assert_true(logged(fixture, "snapshot is damaged: routes are not restored, and it is put aside as "));
    assert_int_equal(fixture_lookup(fixture, 1, 1), LARSHM_PENDING);
    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 1, 4, 7000);
    reboot(fixture);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
}

static void folder_that_is_missing_is_named_once_and_routes_are_served(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(rmdir(folder), 0);
    fixture->fetcher.config.more = "[fetcher]\nsnapshot_interval = 1\n";
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshot_failures) >= 2);
    assert_int_equal(process_said(&fixture->fetcher.process, "no snapshot: "), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "cannot create the snapshot "), 1);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
    assert_int_equal(mkdir(folder, 0755), 0);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) >= 1);
    eventually(logged(fixture, "is written again"));
    reboot(fixture);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
}

static bool file_says(const char *expected)
{
    size_t size;
    uint8_t *bytes = read_file(&size);
    bool same = size == strlen(expected) && memcmp(bytes, expected, size) == 0;
    free(bytes);
    return same;
}

static void file_that_is_named_by_mistake_stays_as_it_is_and_is_named_in_the_log(void **state)
{
    struct fixture *fixture = *state;
    static const char notes[] = "10.0.0.1 db1\n";
    write_file((const uint8_t *)notes, strlen(notes));
    fixture->fetcher.config.more = "[fetcher]\nsnapshot_interval = 1\n";
    fixture_connect(fixture);
    assert_true(
        logged(fixture, "snapshot is no snapshot: name another file in [fetcher] snapshot; until then "));
    fixture_learn(fixture, 1, 1, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshot_failures) >= 2);
    assert_int_equal(process_said(&fixture->fetcher.process, "snapshot is no snapshot: "), 1);
    fetcher_stop(&fixture->fetcher);
    assert_true(file_says(notes));
    fixture_start(fixture); /* with the routes that are there */
    assert_int_equal(process_said(&fixture->fetcher.process, "snapshot is no snapshot: "), 2);
    fetcher_stop(&fixture->fetcher);
    write_file((const uint8_t *)"", 0); /* as `touch` leaves it */
    fixture_start(fixture);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) >= 1);
}

/* A path without %i. */
static void snapshot_of_another_instance_is_neither_read_nor_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct fetcher second;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    fetcher_stop(&fixture->fetcher);
    fetcher_init(&second, 1);
    second.config.snapshot = path;
    fetcher_start(&second);
    assert_int_equal(fetcher_counter(&second, COUNTER_routes), 0);
    assert_true(process_said(&second.process, "is the snapshot of another instance: put %i into ") > 0);
    fetcher_stop(&second);
    fetcher_dispose(&second);
    shut_down(fixture);
    fixture_start(fixture);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
}

static void default_without_its_folder_is_named_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    if (access("/var/lib/larshm", F_OK) == 0)
        skip();
    fixture->fetcher.config.snapshot = "/var/lib/larshm/%i.snapshot";
    fixture_start(fixture);
    assert_true(logged(fixture, "no snapshot: /var/lib/larshm is not there, so a reboot takes all routes; "));
}

/* As on a disk that is full: a limit on the size of files, under which the log and nothing else is written. */
static void full_disk_is_named_once_and_the_last_snapshot_stays(void **state)
{
    struct fixture *fixture = *state;
    const struct rlimit small = {100000, RLIM_INFINITY};
    fixture->fetcher.config.more = "[fetcher]\nsnapshot_interval = 1\n";
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) >= 1);
    for (uint32_t i = 0; i < LARGE_ROUTES; i++)
        fixture_answer(fixture, 2, i, 250, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == LARGE_ROUTES + 1);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshots) >= 2);
    assert_int_equal(prlimit(fixture->fetcher.process.pid, RLIMIT_FSIZE, &small, NULL), 0);
    fixture_answer(fixture, 1, 1, 5, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_snapshot_failures) >= 2);
    assert_int_equal(process_said(&fixture->fetcher.process, "cannot write the snapshot "), 1);
    assert_true(fixture_serves(fixture, 1, 1, 5, 7000));
    process_kill(&fixture->fetcher.process);
    shut_down(fixture);
    fixture_start(fixture);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), LARGE_ROUTES + 1);
    assert_true(fixture_serves(fixture, 1, 1, 4, 7000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(g9_lookups_are_answered_at_once_after_a_reboot_without_a_directory),
        TEST(routes_are_confirmed_by_the_directory_when_it_is_back),
        TEST(g11_totals_overrides_and_ejections_outlive_a_reboot),
        TEST(ejection_ends_in_time_after_a_reboot),
        TEST(snapshot_is_taken_each_interval),
        TEST(objects_that_are_there_are_newer_than_the_snapshot),
        TEST(empty_path_is_no_snapshot),
        TEST(clock_that_is_wrong_by_years_does_no_harm),
        TEST(damaged_file_is_put_aside_and_costs_nothing),
        TEST(folder_that_is_missing_is_named_once_and_routes_are_served),
        TEST(file_that_is_named_by_mistake_stays_as_it_is_and_is_named_in_the_log),
        TEST(snapshot_of_another_instance_is_neither_read_nor_replaced),
        TEST(default_without_its_folder_is_named_at_the_start),
        TEST(full_disk_is_named_once_and_the_last_snapshot_stays),
#undef TEST
    };
    return cmocka_run_group_tests_name("integration/snapshot", tests, NULL, NULL);
}
