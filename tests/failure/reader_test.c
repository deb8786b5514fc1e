/* SPDX-License-Identifier: MIT */
/*
 * For each thing that a client does and each call that can fail: the n-th such call fails. To open says what is wrong
 * and succeeds when it is tried again; to look up goes on with the hosts at hand, and moves to the new generation
 * when it can. What a client may do before, it may do after: a handle never loses the right to demand.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larshm/larshm.h"
#include "shm/clock.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/host_store.h"
#include "shm/writer/sigbus.h"
#include "tests/failure/fail.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/object_path.h"

enum {
    HOSTS = 4
};

/* One thing that a client does; a code of the library. */
struct call {
    const char *name;
    int (*run)(larshm *h);
};

static int get_host(larshm *h)
{
    larshm_host host;
    return larshm_get_host(h, 0, 1, &host);
}

static int get_route(larshm *h)
{
    larshm_host hosts[HOSTS];
    size_t count = 0;
    int code = larshm_get_route(h, 0, 1, hosts, HOSTS, &count);
    return code == LARSHM_OK && count != HOSTS ? LARSHM_CORRUPT : code;
}

static int view(larshm *h)
{
    larshm_view seen;
    uint32_t round = UINT32_MAX;
    int code = larshm_route_begin(h, 0, 1, &seen);
    if (code != LARSHM_OK)
        return code;
    for (uint32_t i = 0; i < HOSTS && code == LARSHM_OK; i++)
        if (seen.count != HOSTS ||
            !self_checking_holds(1, i, (struct host_addr){seen.addr[i], seen.port[i]}, &round))
            code = LARSHM_CORRUPT;
    int ended = larshm_route_end(h, &seen);
    return code == LARSHM_OK ? ended : code;
}

static int list_routes(larshm *h)
{
    larshm_routes all;
    uint32_t modid, cmdid;
    bool found = false;
    int code = larshm_routes_begin(h, &all);
    while (code == LARSHM_OK && larshm_routes_next(&all, &modid, &cmdid) == LARSHM_OK)
        found |= modid == 0 && cmdid == 1;
    larshm_routes_end(h, &all);
    return code == LARSHM_OK && !found ? LARSHM_CORRUPT : code;
}

static int list_hosts(larshm *h)
{
    larshm_hosts list;
    larshm_host_info host;
    uint32_t round = UINT32_MAX;
    int code = larshm_hosts_begin(h, 0, 1, &list);
    if (code != LARSHM_OK)
        return code;
    for (uint32_t i = 0; i < HOSTS && code == LARSHM_OK; i++)
        if (larshm_hosts_next(&list, &host) != LARSHM_OK ||
            !self_checking_holds(1, i, (struct host_addr){host.host.addr, host.host.port}, &round))
            code = LARSHM_CORRUPT;
    if (code == LARSHM_OK && larshm_hosts_next(&list, &host) != LARSHM_END)
        code = LARSHM_CORRUPT;
    larshm_hosts_end(h, &list);
    return code;
}

static int wait_route(larshm *h)
{
    return larshm_wait_route(h, 0, 1, 0);
}

static int list_changes(larshm *h)
{
    uint64_t since = 0;
    uint32_t modid, cmdid;
    int code = larshm_next_change(h, &since, &modid, &cmdid);
    return code == LARSHM_OVERRUN ? LARSHM_OK : code;
}

static int wait_change(larshm *h)
{
    uint64_t since = 0;
    return larshm_wait_change(h, &since, 0);
}

static int info(larshm *h)
{
    larshm_route_info seen;
    return larshm_info(h, 0, 1, &seen);
}

static const struct call calls[] = {
    {"get_host", get_host},        {"get_route", get_route},     {"view", view},
    {"list_routes", list_routes},  {"list_hosts", list_hosts},   {"wait_route", wait_route},
    {"next_change", list_changes}, {"wait_change", wait_change}, {"info", info}};

static bool can_demand(larshm *h)
{
    larshm_route_info seen = {0};
    larshm_info(h, 0, 1, &seen);
    return seen.can_ask;
}

static void nth_failure_of_open_is_named_and_can_be_retried(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, HOSTS, 15);
    printf("%-12s", "open");
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        unsigned long n = 1;
        for (bool failed = true; failed; n += failed) {
            larshm *h = NULL;
            errno = 0;
            fail_at((enum fail_call)call, n);
            int code = larshm_open(&h, instance->name), error = errno;
            failed = fail_end();
            if (failed && code != LARSHM_OK) {
                assert_int_equal(code, LARSHM_SYSTEM_ERROR);
                assert_int_equal(error, fail_errors[call]);
                assert_null(h);
                assert_int_equal(instance_reader_mappings(instance), 0);
                assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
            }
            assert_int_equal(view(h), LARSHM_OK);
            assert_true(can_demand(h));
            larshm_close(h);
        }
        if (n > 1)
            printf(" %s %lu", fail_names[call], n - 1);
    }
    printf("\n");
}

/* True if the call was made so often. */
static bool move_with_failure(struct instance *instance, const struct call *what, enum fail_call call,
                              unsigned long n)
{
    larshm *h = NULL;
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    uint32_t handles = instance_reader_mappings(instance);
    instance_renew(instance);
    fail_at(call, n);
    int code = what->run(h);
    bool failed = fail_end();
    if (code != LARSHM_OK)
        fail_msg("%s, %s %lu: %s", what->name, fail_names[call], n, larshm_strerror(code));
    static uint32_t newcomer = 1000; /* only the new generation has it */
    instance_put(instance, ++newcomer, 1, HOSTS, 15);
    larshm_host host;
    eventually(what->run(h) == LARSHM_OK && larshm_get_host(h, 0, newcomer, &host) == LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), handles);
    if (!can_demand(h))
        fail_msg("%s, %s %lu: may not demand any more", what->name, fail_names[call], n);
    assert_int_equal(larshm_get_host(h, 9, 9, &host), LARSHM_PENDING);
    assert_true(instance_missed(instance).count > 0);
    larshm_close(h);
    return failed;
}

static void nth_failure_of_a_switch_keeps_the_routes_at_hand_and_the_next_call_switches(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, HOSTS, 15);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        unsigned long sum = 0;
        printf("%-12s", calls[i].name);
        for (int call = 0; call < FAIL_CALL_COUNT; call++) {
            unsigned long n = 1;
            while (move_with_failure(instance, &calls[i], (enum fail_call)call, n))
                n++;
            if (n > 1)
                printf(" %s %lu", fail_names[call], n - 1);
            sum += n - 1;
        }
        printf("\n");
        assert_true(sum > 0);
    }
}

/* The object of records cannot be opened, or there is no memory: hosts are listed without them, and next time with them. */
static void nth_failure_of_a_list_of_hosts_leaves_out_records_and_nothing_mapped(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = NULL;
    larshm *h = NULL;
    unsigned long sum = 0;
    instance_put(instance, 1, 1, HOSTS, 15);
    assert_int_equal(host_store_open(&store, instance->name, 1 << 20, &instance->event), SHM_OK);
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    assert_int_equal(list_hosts(h), LARSHM_OK);
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        bool failed = true;
        for (unsigned long n = 1; failed; n++) {
            fail_at((enum fail_call)call, n);
            int code = list_hosts(h);
            failed = fail_end();
            sum += failed;
            assert_int_equal(code, LARSHM_OK);
            assert_int_equal(instance_hosts_mappings(instance), 0);
            larshm_hosts list;
            larshm_host_info host;
            assert_int_equal(larshm_hosts_begin(h, 0, 1, &list), LARSHM_OK);
            assert_int_equal(larshm_hosts_next(&list, &host), LARSHM_OK);
            assert_int_equal(host.known, 1);
            larshm_hosts_end(h, &list);
        }
    }
    assert_true(sum > 1);
    larshm_close(h);
    host_store_close(store);
}

/* ---- another control object ---- */

static int report(larshm *h)
{
    larshm_host host;
    int code = larshm_get_host(h, 0, 1, &host);
    return code == LARSHM_OK ? larshm_report(h, &host, 0) : code;
}

static void remove_control(struct instance *instance)
{
    region_unlink(instance->names.control);
}

static void cut_control(struct instance *instance)
{
    assert_int_equal(truncate(object_path(instance->names.control), 0), 0);
}

/* True if the call was made so often. */
static bool leave_control_with_failure(struct instance *instance, void (*damage)(struct instance *),
                                       enum fail_call call, unsigned long n)
{
    larshm *h = NULL;
    uint64_t collected = 0, taken = 0;
    writer_set_judge(instance->writer, instance_add_up, &collected);
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    uint32_t handles = instance_reader_mappings(instance);
    damage(instance);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    fail_at(call, n);
    int code = report(h);
    bool failed = fail_end();
    if (code != LARSHM_OK && !(failed && code == LARSHM_FULL))
        fail_msg("%s %lu: %s", fail_names[call], n, larshm_strerror(code));
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        assert_int_equal(calls[i].run(h), LARSHM_OK);
    taken += code == LARSHM_OK;
    eventually(report(h) == LARSHM_OK);
    taken++;
    writer_collect_calls(instance->writer, UINT32_MAX, HOSTS, clock_tick());
    assert_int_equal(collected, taken);
    assert_int_equal(instance_reader_mappings(instance), handles);
    assert_true(can_demand(h));
    larshm_close(h);
    return failed;
}

static void
g9_g11_nth_failure_to_map_another_control_object_keeps_the_routes_refuses_results_and_is_made_up_for(
    void **state)
{
    struct instance *instance = *state;
    void (*const damage[])(struct instance *) = {remove_control, cut_control};
    assert_int_equal(sigbus_install(), 0);
    instance_put(instance, 1, 1, HOSTS, 15);
    for (int i = 0; i < 2; i++) {
        unsigned long sum = 0;
        for (int call = 0; call < FAIL_CALL_COUNT; call++) {
            unsigned long n = 1;
            while (leave_control_with_failure(instance, damage[i], (enum fail_call)call, n))
                n++;
            sum += n - 1;
        }
        assert_true(sum > 1);
    }
}

static void nothing_is_allocated_once_a_handle_is_open(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_host host;
    instance_put(instance, 1, 1, HOSTS, 15);
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        fail_at((enum fail_call)call, 1);
        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
            if (calls[i].run != list_hosts) /* which opens the hosts object */
                assert_int_equal(calls[i].run(h), LARSHM_OK);
        for (uint32_t key = 0; key < 1000; key++)
            assert_int_equal(larshm_get_host(h, 9, key, &host), LARSHM_PENDING);
        assert_int_equal(larshm_wait_route(h, 9, 9, 1), LARSHM_TIMEOUT);
        assert_false(fail_end());
    }
    larshm_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nth_failure_of_open_is_named_and_can_be_retried, instance_setup,
                                        instance_teardown),
        cmocka_unit_test_setup_teardown(
            nth_failure_of_a_switch_keeps_the_routes_at_hand_and_the_next_call_switches, instance_setup,
            instance_teardown),
        cmocka_unit_test_setup_teardown(nth_failure_of_a_list_of_hosts_leaves_out_records_and_nothing_mapped,
                                        instance_setup, instance_teardown),
        cmocka_unit_test_setup_teardown(
            g9_g11_nth_failure_to_map_another_control_object_keeps_the_routes_refuses_results_and_is_made_up_for,
            instance_setup, instance_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_allocated_once_a_handle_is_open, instance_setup,
                                        instance_teardown),
    };
    return cmocka_run_group_tests_name("failure/reader", tests, NULL, NULL);
}
