/* SPDX-License-Identifier: MIT */
/*
 * Is every store enumerated? The objects are write-protected; each store to them faults, is counted, is let through as
 * one single-stepped instruction, and the protection is back. The faults must be as many as the steps that
 * crash_test.c can stop at: a store that went past SHM_STEP would make one more. x86-64 only.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/control.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/reader/lookup_stats.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/host_store.h"
#include "shm/writer/sigbus.h"
#include "tests/crash/step.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"
#include "tests/support/sanitizer.h"

#if defined(__x86_64__) && !SANITIZED

enum {
    TRAP_FLAG = 0x100
};

static struct {
    char *from, *to;
} guarded;
static volatile unsigned long faults;

static void store_faulted(int number, siginfo_t *info, void *context)
{
    ucontext_t *machine = context;
    char *address = info->si_addr;
    if (address < guarded.from || address >= guarded.to) {
        signal(number, SIG_DFL);
        return;
    }
    faults++;
    mprotect(guarded.from, (size_t)(guarded.to - guarded.from), PROT_READ | PROT_WRITE);
    machine->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void store_done(int number, siginfo_t *info, void *context)
{
    ucontext_t *machine = context;
    (void)number, (void)info;
    machine->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    mprotect(guarded.from, (size_t)(guarded.to - guarded.from), PROT_READ);
}

/* Where the writer has the object mapped. */
static void find_mapping(const char *name)
{
    char line[512], path[128];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    snprintf(path, sizeof(path), "/dev/shm%s\n", name);
    guarded.from = guarded.to = NULL;
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        size_t length = strlen(line), tail = strlen(path);
        if (length > tail && strcmp(line + length - tail, path) == 0 &&
            sscanf(line, "%lx-%lx", &from, &to) == 2) {
            guarded.from = (char *)from;
            guarded.to = (char *)to;
        }
    }
    fclose(maps);
    assert_non_null(guarded.from);
}

static void expect_all_counted(struct instance *instance, const char *name, const char *what,
                               void (*run)(struct instance *))
{
    find_mapping(name);
    crash_watch(guarded.from, guarded.to);
    faults = 0;
    crash_at(0);
    mprotect(guarded.from, (size_t)(guarded.to - guarded.from), PROT_READ);
    run(instance);
    mprotect(guarded.from, (size_t)(guarded.to - guarded.from), PROT_READ | PROT_WRITE);
    printf("%-32s %4lu stores, %4lu steps\n", what, faults, crash_watched());
    assert_int_equal(faults, crash_watched());
}

static void publish(struct instance *instance)
{
    instance_put(instance, 1, 2, 9, 15);
}

static void insert(struct instance *instance)
{
    instance_put(instance, 2, 1, 200, 15);
}

static void refresh(struct instance *instance)
{
    instance_put(instance, 1, 2, 9, 15);
}

static void pull_and_settle(struct instance *instance)
{
    set_pulling_by_key(instance->writer, numbered_key(1));
    set_new_by_key(instance->writer, numbered_key(1));
}

static void fetcher_facts(struct instance *instance)
{
    writer_heartbeat(instance->writer, clock_tick());
    writer_maintain(instance->writer, clock_tick());
    writer_connection(instance->writer, CONNECTION_UP, clock_tick());
    struct writer_options options = instance->options;
    options.max_unknown = 100;
    options.settings.update_timeout_s = 16;
    options.settings.poll_interval_ms = 20;
    writer_reload(instance->writer, &options);
}

static void rotation_and_hold(struct instance *instance)
{
    set_rotation_by_key(instance->writer, numbered_key(1), 0, true, true);
    set_rotation_by_key(instance->writer, numbered_key(1), 1, true, false);
    set_rotation_by_key(instance->writer, numbered_key(1), 0, false, false);
    set_held_by_key(instance->writer, numbered_key(1), HOLD_EMPTY);
}

static bool take_results(void *context, const struct call_report *report)
{
    struct instance *instance = context;
    writer_reset_runs(instance->writer, report->control, report->cell);
    return true;
}

static void collect(struct instance *instance)
{
    writer_set_judge(instance->writer, take_results, instance);
    writer_collect_calls(instance->writer, 1000, 1000, clock_tick());
    instance_flagged(instance);
    instance_missed(instance);
    writer_maintain(instance->writer, clock_tick());
}

static void replace_control(struct instance *instance)
{
    shm_unlink(instance->names.control);
    writer_maintain(instance->writer, clock_tick());
}

static void replace_cut_control(struct instance *instance)
{
    truncate(object_path(instance->names.control), 0);
    writer_maintain(instance->writer, clock_tick());
}

/* Flags, a miss, counts and results of calls for collect() to take. */
static void demand_and_report(struct instance *instance)
{
    struct region region;
    struct control control;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region routes_region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &routes_region, &routes), SHM_OK);
    assert_int_equal(region_open(instance->names.control, true, &self, 0, &region), SHM_OK);
    assert_int_equal(
        control_attach(&region, control_shape(&routes), control_number(routes.s_header), &control), SHM_OK);
    demand_refresh(&control, 3);
    demand_refresh(&control, 700);
    demand_route(&control, numbered_key(77));
    lookup_stats_add(&control, 1, 5, 2, 1);
    for (int i = 0; i < 6; i++)
        call_stats_record(&control, numbered_key(1), (struct host_addr){1, 1}, i % 3, 2, (uint32_t)i);
    region_close(&region);
    region_close(&routes_region);
}

/* ---- the hosts object ---- */

static struct host_store *store;

static void add_record(struct instance *instance)
{
    (void)instance;
    host_store_add(store, numbered_key(1), (struct host_addr){1, 1});
}

static void commit_record(struct instance *instance)
{
    (void)instance;
    host_store_commit(store, host_store_find(store, numbered_key(1), (struct host_addr){1, 1}));
}

static void remove_record(struct instance *instance)
{
    (void)instance;
    host_store_remove(store, host_store_find(store, numbered_key(1), (struct host_addr){1, 1}));
}

static void g5_every_store_passes_the_place_where_tests_stop(void **state)
{
    struct instance *instance = *state;
    const char *routes = instance->names.routes, *control = instance->names.control;
    struct sigaction fault = {.sa_sigaction = store_faulted, .sa_flags = SA_SIGINFO};
    struct sigaction trap = {.sa_sigaction = store_done, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGTRAP, &trap, NULL);
    instance_put(instance, 1, 1, 4, 15);
    expect_all_counted(instance, routes, "publish", publish);
    expect_all_counted(instance, routes, "insert", insert);
    expect_all_counted(instance, routes, "refresh in place", refresh);
    expect_all_counted(instance, routes, "NEW to PULLING to NEW", pull_and_settle);
    expect_all_counted(instance, routes, "heartbeat, maintenance, connection, reload", fetcher_facts);
    expect_all_counted(instance, routes, "states and marks", rotation_and_hold);
    demand_and_report(instance);
    expect_all_counted(instance, control, "collect", collect);
    assert_true(crash_watched() > 10);
    expect_all_counted(instance, routes, "control is replaced", replace_control);
    sigbus_install();
    expect_all_counted(instance, routes, "control that was cut is replaced", replace_cut_control);
    const char *hosts = instance->names.hosts;
    assert_int_equal(host_store_open(&store, instance->name, 1 << 20, &instance->event), SHM_OK);
    expect_all_counted(instance, hosts, "a record is added", add_record);
    expect_all_counted(instance, hosts, "a record changes", commit_record);
    expect_all_counted(instance, hosts, "a record is removed", remove_record);
    host_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(g5_every_store_passes_the_place_where_tests_stop, instance_setup,
                                        instance_teardown),
    };
    return cmocka_run_group_tests_name("crash/complete", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: needs x86-64 without a sanitizer");
    return 0;
}

#endif
