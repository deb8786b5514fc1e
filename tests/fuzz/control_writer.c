/* SPDX-License-Identifier: MIT */
/*
 * A fetcher whose control object is overwritten hears of no key as flagged that it does not have, whatever it hears of
 * calls, and the routes object stays as it was. Input: changes to the control object; one before each collection and one
 * for each report.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/names.h"
#include "shm/region.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/by_key.h"

enum {
    ROUTES = 200,
    ROUNDS = 4,
};

static struct writer *writer;
static struct region control, routes;
static void *control_before, *routes_before;
static struct input input;

static void *open_copied(const char *name, struct region *region)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    DEMAND(region_open(name, true, &self, 0, region) == SHM_OK);
    void *copy = malloc(region->size);
    DEMAND(copy);
    return memcpy(copy, region->s_base, region->size);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    char instance[INSTANCE_MAX + 1];
    struct event event;
    struct object_names names;
    snprintf(instance, sizeof(instance), "fuzz-%ld", (long)getpid());
    const struct writer_options options = {
        .instance = instance, .max_bytes = 1 << 20, .max_unknown = 100, .group = ""};
    DEMAND(object_names(instance, &names) == SHM_OK);
    DEMAND(writer_open(&writer, &options, &event) == SHM_OK);
    for (uint32_t i = 0; i < ROUTES; i++)
        DEMAND(put_by_key(writer, route_key(1, i), &(struct host_addr){1, 1}, 1, NULL, 60, clock_tick()) ==
               SHM_OK);
    control_before = open_copied(names.control, &control);
    routes_before = open_copied(names.routes, &routes);
    shm_unlink(names.routes); /* nothing is left behind, however this ends */
    shm_unlink(names.control);
    shm_unlink(names.lock);
    return 0;
}

static void collect_demand(void)
{
    struct route_ref route;
    struct route_key key;
    uint32_t slot;
    struct flag_round flags = writer_flags_begin(writer);
    for (int i = 0; i < ROUTES / 2 && flag_round_next(&flags, &slot); i++) {
        DEMAND(slot < writer_slot_count(writer));
        DEMAND(!writer_route_at(writer, slot, &route) || (route.key.modid == 1 && route.key.cmdid < ROUTES));
        if (!input_patch(&input, control.s_base, control.size))
            break;
    }
    writer_flags_end(writer, &flags);
    struct miss_round misses = writer_misses_begin(writer);
    while (miss_round_next(&misses, &key)) {
        DEMAND(!route_key_is_none(key));
        if (!input_patch(&input, control.s_base, control.size))
            break;
    }
    writer_misses_end(writer, &misses);
}

static bool reported(void *context, const struct call_report *report)
{
    (void)context;
    DEMAND(report->control == writer_control(writer));
    input_patch(&input, control.s_base, control.size);
    writer_reset_runs(writer, report->control, report->cell);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event event;
    input = (struct input){data, size};
    memcpy(control.s_base, control_before, control.size);
    for (int i = 0; i < ROUNDS; i++) {
        input_patch(&input, control.s_base, control.size);
        collect_demand();
        writer_collect_uses(writer);
        /* At tick 1 it is too early for a new generation. */
        writer_set_judge(writer, reported, NULL);
        writer_collect_calls(writer, ROUTES, ROUTES, 1);
        DEMAND(!writer_next_event(writer, &event));
    }
    /* Results that had no room are counted, as many as the object says. */
    writer_gauge(writer, COUNTER_reports_refused, 0);
    DEMAND(memcmp(routes.s_base, routes_before, routes.size) == 0);
    return 0;
}
