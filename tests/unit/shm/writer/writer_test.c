/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/call_stats.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/retired_control.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

/* Every key from 1 to `keys` is there with the hosts of its round, and the walk finds nothing wrong. */
static void expect_routes(struct instance *instance, uint32_t keys, uint32_t round)
{
    struct region region;
    struct routes routes;
    struct check_report report;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(check_routes(&routes, &report), SHM_OK);
    assert_int_equal(report.keys, keys);
    for (uint64_t key = 1; key <= keys; key++) {
        uint32_t slot = index_find(&routes, numbered_key(key)), seen = UINT32_MAX;
        struct table table;
        assert_int_not_equal(slot, SLOT_NONE);
        assert_int_equal(table_begin(&routes, slot, numbered_key(key), &table), SHM_OK);
        assert_int_equal(table.count, key % 9);
        for (uint32_t i = 0; i < table.count; i++)
            assert_true(self_checking_holds(key, i, load_relaxed(&table.s_addresses[i]),
                                            load_relaxed(&table.s_ports[i]), &seen));
        if (table.count)
            assert_int_equal(seen, round);
    }
    region_close(&region);
}

static void put_keys(struct instance *instance, uint32_t keys, uint32_t round)
{
    for (uint64_t key = 1; key <= keys; key++)
        instance_put(instance, key, round, (uint32_t)(key % 9), 15);
}

static void growth_keeps_every_route(void **state)
{
    struct instance *instance = *state;
    instance->options.max_unknown = 100000;
    instance_stop(instance);
    instance_start(instance);
    put_keys(instance, 10000, 7);
    expect_routes(instance, 10000, 7);
    assert_true(writer_counter(instance->writer, COUNTER_generations) > 3);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 10000 - 1111);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 1111);
}

static void g5_restarted_fetcher_adopts_every_route(void **state)
{
    struct instance *instance = *state;
    put_keys(instance, 800, 3);
    writer_set_pulling(instance->writer, numbered_key(5));
    instance_stop(instance);
    instance_start(instance);
    assert_string_not_equal(instance->message, "");
    expect_routes(instance, 800, 3);
    /* Rule 6: the request died with its fetcher. */
    assert_int_equal(writer_state(instance->writer, numbered_key(5)), ROUTE_NEW);
}

static void g5_fetcher_killed_while_publishing_loses_nothing(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[HOSTS_MAX];
    put_keys(instance, 800, 1);
    instance_stop(instance);
    for (int kill_after_ms = 1; kill_after_ms < 12; kill_after_ms++) {
        pid_t child = fork();
        if (child == 0) {
            /* A table is refused now and then: retired blocks wait for grace_ms, and max_bytes is small. */
            if (writer_open(&instance->writer, &instance->options, instance->message) != SHM_OK)
                _exit(1);
            for (uint32_t round = 1;; round++)
                for (uint64_t key = 1; key <= 800; key++) {
                    self_checking_hosts(key, round, (uint32_t)(key % 9), hosts);
                    writer_put(instance->writer, numbered_key(key), hosts, (uint32_t)(key % 9), NULL, 15,
                               clock_tick(), instance->message);
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

static void versions_go_on_across_generations(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    put_keys(instance, 50, 1);
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 1, 2, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    struct table changed, kept;
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(1)), numbered_key(1), &changed),
                     SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(50)), numbered_key(50), &kept),
                     SHM_OK);
    assert_int_equal(ref_version(kept.ref), 50);
    assert_int_equal(ref_version(changed.ref), 51);
    region_close(&region);
}

static void same_hosts_only_move_the_times(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    struct table before, after;
    uint32_t slot = index_find(&routes, numbered_key(1));
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &before), SHM_OK);
    writer_set_pulling(instance->writer, numbered_key(1));
    assert_int_equal(writer_state(instance->writer, numbered_key(1)), ROUTE_PULLING);
    usleep(3000);
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &after), SHM_OK);
    assert_true(after.ref == before.ref);
    assert_true(after.expires > before.expires);
    assert_int_equal(writer_state(instance->writer, numbered_key(1)), ROUTE_NEW);
    region_close(&region);
}

static void another_update_timeout_is_no_change_of_the_route(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct table before, after;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    uint32_t slot = index_find(&routes, numbered_key(1));
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &before), SHM_OK);
    instance_put(instance, 1, 1, 4, 60);
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &after), SHM_OK);
    assert_true(after.ref == before.ref);
    assert_int_equal(after.ttl_s, 60);
    assert_true(after.expires >= before.expires + 45000);
    region_close(&region);
}

static void a_refusal_ends_when_there_is_room_again(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    for (uint64_t key = 1; key <= 101; key++)
        writer_put(instance->writer, numbered_key(key), NULL, 0, NULL, 1, now, instance->message);
    assert_true(writer_refusing(instance->writer));
    assert_int_equal(writer_maintain(instance->writer, now, instance->message), SHM_OK);
    assert_true(writer_refusing(instance->writer));
    assert_int_equal(writer_maintain(instance->writer, now + 60 * 1000, instance->message), SHM_OK);
    assert_false(writer_refusing(instance->writer));
}

static void max_bytes_refuses_new_keys_and_serves_known_ones(void **state)
{
    struct instance *instance = *state;
    struct host_addr hosts[8];
    uint32_t known = 0;
    enum shm_status status = SHM_OK;
    for (uint64_t key = 1; status == SHM_OK && key < 100000; key++) {
        self_checking_hosts(key, 1, 8, hosts);
        status = writer_put(instance->writer, numbered_key(key), hosts, 8, NULL, 15, clock_tick(),
                            instance->message);
        known += status == SHM_OK;
    }
    assert_int_equal(status, SHM_FULL);
    assert_true(known > 10000);
    assert_true(writer_refusing(instance->writer));
    struct region region;
    struct routes routes;
    struct check_report report;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_true(region.size <= instance->options.max_bytes);
    assert_int_equal(check_routes(&routes, &report), SHM_OK);
    assert_int_equal(report.keys, known);
    region_close(&region);
}

static void unknown_keys_are_limited_in_number(void **state)
{
    struct instance *instance = *state;
    uint32_t accepted = 0;
    for (uint64_t key = 1; key <= 1000; key++)
        accepted += writer_put(instance->writer, numbered_key(key), NULL, 0, NULL, 15, clock_tick(),
                               instance->message) == SHM_OK;
    assert_int_equal(accepted, 100);
    assert_true(writer_refusing(instance->writer));
    instance_put(instance, 5000, 1, 4, 15);
    assert_int_equal(writer_counter(instance->writer, COUNTER_refused_unknown), 900);
}

static void expired_unknown_keys_make_room(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    for (uint64_t key = 1; key <= 100; key++)
        assert_int_equal(
            writer_put(instance->writer, numbered_key(key), NULL, 0, NULL, 1, now, instance->message),
            SHM_OK);
    uint64_t later = now + 60 * 1000;
    assert_int_equal(
        writer_put(instance->writer, numbered_key(101), NULL, 0, NULL, 1, later, instance->message), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 1);
    assert_int_equal(writer_state(instance->writer, numbered_key(1)), ROUTE_UNKNOWN);
}

static void second_fetcher_is_refused_with_the_pid_of_the_first(void **state)
{
    struct instance *instance = *state;
    char expected[64];
    snprintf(expected, sizeof(expected), "already running (pid %ld)", (long)getpid());
    put_keys(instance, 10, 1);
    pid_t child = fork();
    if (child == 0) {
        struct writer *second = NULL;
        enum shm_status status = writer_open(&second, &instance->options, instance->message);
        _exit(status == SHM_RUNNING && strstr(instance->message, expected) ? 0 : 1);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    expect_routes(instance, 10, 1);
}

static mode_t mode_of(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void objects_have_the_documented_modes_under_any_umask(void **state)
{
    struct instance *instance = *state;
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (int i = 0; i < 4; i++) {
        instance_stop(instance);
        shm_unlink(instance->names.lock);
        mode_t old = umask(masks[i]);
        instance_start(instance);
        umask(old);
        assert_int_equal(mode_of(instance->names.routes), 0644);
        assert_int_equal(mode_of(instance->names.control), 0660);
        assert_int_equal(mode_of(instance->names.lock), 0600);
    }
}

static void leftovers_of_a_dead_fetcher_are_removed(void **state)
{
    struct instance *instance = *state;
    struct region region;
    instance_stop(instance);
    assert_int_equal(region_create(instance->names.next_routes, 4096, 0600, (gid_t)-1, &region), SHM_OK);
    region_close(&region);
    assert_int_equal(region_create(instance->names.next_control, 4096, 0600, (gid_t)-1, &region), SHM_OK);
    region_close(&region);
    instance_start(instance);
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    assert_int_equal(region_open(instance->names.next_routes, false, &self, 0, &region), SHM_NO_OBJECT);
    assert_int_equal(region_open(instance->names.next_control, false, &self, 0, &region), SHM_NO_OBJECT);
}

static void removed_objects_are_made_anew(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control};
    put_keys(instance, 20, 1);
    for (int i = 0; i < 2; i++) {
        shm_unlink(names[i]);
        assert_int_equal(writer_maintain(instance->writer, clock_tick(), instance->message), SHM_OK);
        assert_string_not_equal(instance->message, "");
        expect_routes(instance, 20, 1);
        assert_int_equal(writer_maintain(instance->writer, clock_tick(), instance->message), SHM_OK);
        assert_string_equal(instance->message, "");
    }
}

/* What stands in the way of a starting fetcher, and what must come of it. */
static void expect_start(struct instance *instance, enum shm_status expected, const char *named)
{
    struct writer *writer = NULL;
    assert_int_equal(writer_open(&writer, &instance->options, instance->message), expected);
    assert_non_null(strstr(instance->message, named));
    writer_close(writer);
}

static void squatted_names_are_refused_and_named(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control, instance->names.lock};
    instance_stop(instance);
    for (int i = 0; i < 3; i++) {
        char path[128];
        struct region region;
        snprintf(path, sizeof(path), "/dev/shm%s", names[i]);
        shm_unlink(names[i]);
        assert_int_equal(symlink("/dev/null", path), 0);
        expect_start(instance, SHM_FOREIGN, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(region_create(names[i], 8192, 0666, (gid_t)-1, &region), SHM_OK);
        region_close(&region);
        expect_start(instance, SHM_UNSAFE, names[i]);
        if (geteuid() == 0) {
            assert_int_equal(chmod(path, 0600), 0);
            assert_int_equal(chown(path, 65534, 65534), 0);
            expect_start(instance, SHM_FOREIGN, names[i]);
        }
        assert_int_equal(unlink(path), 0);
    }
    instance_start(instance);
}

static void damaged_object_is_replaced(void **state)
{
    struct instance *instance = *state;
    for (int kind = 0; kind < 4; kind++) {
        struct region region;
        struct routes routes;
        put_keys(instance, 10, 1);
        instance_stop(instance);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
        switch (kind) {
        case 0:
            routes.s_header->id.layout_version++;
            break;
        case 1:
            memset(region.s_base, 0xa5, region.size);
            break;
        case 2:
            routes.s_header->bucket_count = UINT32_MAX;
            break;
        case 3: {
            char path[128];
            snprintf(path, sizeof(path), "/dev/shm%s", instance->names.routes);
            assert_int_equal(truncate(path, 100), 0);
            break;
        }
        }
        region_close(&region);
        instance_start(instance);
        assert_non_null(strstr(instance->message, "replaced"));
        expect_routes(instance, 0, 1);
    }
}

/* A client's results of a host that nobody needs to know. */
static void tell_results(struct instance *instance, int count)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region routes_region, region;
    struct routes routes;
    struct control control;
    assert_int_equal(instance_map(instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(instance->names.control, true, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(control_attach(&region, control_shape(&routes), routes.generation, &control), SHM_OK);
    for (int i = 0; i < count; i++)
        assert_int_equal(call_stats_record(&control, numbered_key(1), (struct host_addr){1, 1}, true, 1),
                         SHM_OK);
    region_close(&region);
    region_close(&routes_region);
}

/* Starts a fetcher in a child, which dies without having taken any result. */
static void fetcher_that_dies(struct instance *instance, int before, bool renews, int after)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        instance_start(instance);
        tell_results(instance, before);
        if (renews)
            instance_renew(instance);
        tell_results(instance, after);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool add_up(void *context, const struct call_report *report, uint64_t generation)
{
    (void)generation;
    *(uint64_t *)context += report->batch.succ;
    return true;
}

/* Opens what a fetcher that died has put aside: the only one. */
static int open_retired_control(const struct instance *instance)
{
    uint64_t generation;
    char path[OBJECT_NAME_MAX + 32];
    assert_int_equal(retired_control_list(&instance->names, &generation, 1), 1);
    snprintf(path, sizeof(path), "/dev/shm%s.%llu", instance->names.control, (unsigned long long)generation);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Clients can write to them. One that says to be larger than it is, or is, or is cut, costs the results in it. */
static void what_was_put_aside_is_believed_only_at_its_own_size(void **state)
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
        uint64_t taken = 0, left[2];
        writer_on_calls(instance->writer, add_up, &taken);
        writer_collect_calls(instance->writer, 1 << 20, 1, clock_tick(), instance->message);
        assert_int_equal(taken, 0);
        /* Only the one that this fetcher has replaced itself is there now. */
        assert_int_equal(retired_control_list(&instance->names, left, 2), 1);
        instance_stop(instance);
    }
    instance_start(instance);
}

static void g11_results_that_fetchers_left_behind_one_after_the_other_are_taken_by_the_next(void **state)
{
    struct instance *instance = *state;
    uint64_t taken = 0;
    instance_stop(instance);
    fetcher_that_dies(instance, 1000, true, 100);
    fetcher_that_dies(instance, 10, false, 0);
    fetcher_that_dies(instance, 0, true, 1);
    instance_start(instance);
    writer_on_calls(instance->writer, add_up, &taken);
    writer_collect_calls(instance->writer, 1 << 20, 1, clock_tick(), instance->message);
    assert_int_equal(taken, 1111);
    /* Once drained, nothing is left of them. */
    assert_int_equal(writer_maintain(instance->writer, clock_tick() + 3600 * 1000, instance->message),
                     SHM_OK);
    assert_int_equal(instance_objects(instance), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(growth_keeps_every_route),
        TEST(what_was_put_aside_is_believed_only_at_its_own_size),
        TEST(g11_results_that_fetchers_left_behind_one_after_the_other_are_taken_by_the_next),
        TEST(g5_restarted_fetcher_adopts_every_route),
        TEST(g5_fetcher_killed_while_publishing_loses_nothing),
        TEST(versions_go_on_across_generations),
        TEST(same_hosts_only_move_the_times),
        TEST(another_update_timeout_is_no_change_of_the_route),
        TEST(a_refusal_ends_when_there_is_room_again),
        TEST(max_bytes_refuses_new_keys_and_serves_known_ones),
        TEST(unknown_keys_are_limited_in_number),
        TEST(expired_unknown_keys_make_room),
        TEST(second_fetcher_is_refused_with_the_pid_of_the_first),
        TEST(objects_have_the_documented_modes_under_any_umask),
        TEST(leftovers_of_a_dead_fetcher_are_removed),
        TEST(removed_objects_are_made_anew),
        TEST(squatted_names_are_refused_and_named),
        TEST(damaged_object_is_replaced),
    };
    return cmocka_run_group_tests_name("shm/writer", tests, NULL, NULL);
}
