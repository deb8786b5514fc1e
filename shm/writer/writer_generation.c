/* SPDX-License-Identifier: MIT */
/* Generations: plans, builds and installs them. */
#include <stdio.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/writer/memory_room.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"

enum {
    FIRST_BUCKETS = 512, /* 2,048 slots */
    FIRST_UNITS = 4096,  /* 256 KiB */
    GROWTH_FROM = 5,     /* routes become so many parts more: */
    GROWTH_TO = 8,
};

struct generation_plan writer_plan(struct writer *writer, const struct routes *source, uint64_t now)
{
    return (struct generation_plan){
        .call_cells = writer->call_cells,
        .copying = {.source = source,
                    .same_writer = true,
                    .now = now,
                    .dropped = &writer->dropped,
                    .left_out = &writer->leaving,
                    .uses = writer->now.publisher.uses},
        .grace_ms = writer->grace_ms,
        .control_group = writer->group,
    };
}

void writer_plan_size(const struct writer *writer, uint64_t keys, uint64_t live_units, uint64_t spare_units,
                      struct generation_plan *plan)
{
    /* New keys leave the reserve of the arena alone, and half of the slots. */
    uint64_t units =
        (live_units + spare_units) * GROWTH_TO / GROWTH_FROM * RESERVE_SHARE / (RESERVE_SHARE - 1);
    uint64_t buckets = (keys * GROWTH_TO / GROWTH_FROM * 2 + BUCKET_SLOTS - 1) / BUCKET_SLOTS;
    if (units < FIRST_UNITS)
        units = FIRST_UNITS;
    if (buckets < FIRST_BUCKETS)
        buckets = FIRST_BUCKETS;
    if (buckets > BUCKETS_MAX)
        buckets = BUCKETS_MAX;
    uint64_t fixed = routes_size((uint32_t)buckets, 0);
    uint64_t most = writer->max_bytes > fixed ? (writer->max_bytes - fixed) / UNIT_BYTES : 0;
    if (most > ARENA_UNITS_MAX)
        most = ARENA_UNITS_MAX;
    plan->bucket_count = (uint32_t)buckets;
    plan->arena_units = (uint32_t)(units < most ? units : most);
}

static uint64_t plan_bytes(const struct generation_plan *plan)
{
    const struct control_shape shape = {plan->bucket_count * BUCKET_SLOTS, plan->call_cells, 0};
    return routes_size(plan->bucket_count, plan->arena_units) + control_size(shape);
}

void writer_report_space(struct writer *writer, enum event_kind kind, uint64_t needed, uint64_t available)
{
    struct event *event = event_add(&writer->events, kind, NULL);
    event->number[0] = needed;
    event->number[1] = available;
    writer->no_space_reason = kind == EVENT_MEMORY_LIMIT ? REFUSING_MEMORY : REFUSING_NO_SPACE;
}

bool writer_has_memory(struct writer *writer, uint64_t bytes)
{
    uint64_t room = memory_room("");
    bool fits = memory_has_room(room, bytes);
    if (!fits)
        writer_report_space(writer, EVENT_MEMORY_LIMIT, bytes, room);
    return fits;
}

static void describe(struct routes_header *s_header, const struct writer_options *options)
{
    store_relaxed(&s_header->tick, clock_tick());
    store_relaxed(&s_header->fetcher_pid, (uint32_t)getpid());
    store_relaxed(&s_header->fetcher_state, FETCHER_RUNNING);
    store_relaxed(&s_header->fetcher_since, clock_unix_ms());
    store_relaxed(&s_header->connection, CONNECTION_NONE);
    store_relaxed(&s_header->connection_tick, clock_tick());
    store_relaxed(&s_header->max_bytes, options->max_bytes);
    settings_publish(&s_header->settings, &options->settings);
    memset(s_header->snapshot, 0, SNAPSHOT_TEXT);
    if (options->snapshot)
        memcpy(s_header->snapshot, options->snapshot, strnlen(options->snapshot, SNAPSHOT_TEXT - 1));
    s_header->snapshot_off = options->snapshot_off;
    store_relaxed(&s_header->counters[COUNTER_pulling], 0);
}

void writer_abandon(struct writer *writer)
{
    writer->now.publisher.changed = NULL;
    writer->now.publisher.keys_max = publisher_keys_usual(&writer->now.publisher.routes);
    generation_abandon(&writer->names, &writer->next);
}

static enum shm_status give_up(struct writer *writer, const struct generation_plan *plan,
                               enum shm_status status)
{
    if (status == SHM_NO_SPACE)
        writer_report_space(writer, EVENT_NO_SPACE, plan_bytes(plan), region_space_available());
    else if (status != SHM_FULL)
        event_add(&writer->events, EVENT_GENERATION_FAILED, writer->names.routes);
    if (status == SHM_NO_SPACE)
        writer->no_space = plan->copying.now;
    writer_abandon(writer);
    return status;
}

enum shm_status writer_begin(struct writer *writer, const struct generation_plan *plan)
{
    uint64_t bytes = plan_bytes(plan);
    writer_abandon(writer);
    writer_bound_retired(writer, bytes);
    region_close(&writer->left);
    replaced_check(&writer->replaced, plan->copying.now); /* what is freed has room for the new one */
    while (replaced_free_part(&writer->replaced))
        continue;
    if (!writer_has_memory(writer, bytes)) {
        writer->no_space = plan->copying.now;
        return SHM_NO_SPACE;
    }
    /* The control object comes last: where it finds no room, all routes would be copied for nothing, once a second. */
    enum shm_status status = bytes > region_space_available()
                                 ? SHM_NO_SPACE
                                 : generation_begin(&writer->names, plan, &writer->next);
    if (status != SHM_OK)
        return give_up(writer, plan, status);
    writer->now.publisher.changed = &writer->next.copying.due;
    return SHM_OK;
}

enum shm_status writer_continue(struct writer *writer, uint64_t work, bool *complete)
{
    enum shm_status status = generation_continue(&writer->next, work, complete);
    const struct generation_plan plan = writer->next.plan;
    return status == SHM_OK ? SHM_OK : give_up(writer, &plan, status);
}

enum shm_status writer_install(struct writer *writer, struct routes_header *s_replaced,
                               const struct writer_options *options, uint64_t now)
{
    struct generation built;
    const struct generation_plan plan = writer->next.plan;
    /* Of the object that loses its name at H2: the header may be ahead of it, see generation_renew_control(). */
    uint64_t control = writer->now.control_region.s_base ? writer->now.stats.number
                       : s_replaced                      ? control_number(s_replaced)
                                                         : 0;
    enum shm_status status = generation_finish(&writer->names, &writer->next, &built);
    if (status != SHM_OK)
        return give_up(writer, &plan, status);
    if (options)
        describe(built.publisher.routes.s_header, options);
    /* Before H2 removes its name. */
    struct retired_name kept = {0};
    if (s_replaced && retired_control_keep(&writer->names, control, &kept) != SHM_OK)
        event_add(&writer->events, EVENT_NOT_KEPT, writer->names.control);
    int old_routes = replaced_open(writer->names.routes, &writer->now.routes_region),
        old_control = replaced_open(writer->names.control, &writer->now.control_region);
    status = generation_install(&writer->names, s_replaced);
    if (status != SHM_OK) {
        event_add(&writer->events, EVENT_INSTALL_FAILED, writer->names.routes);
        retired_control_remove(&writer->names, kept);
        generation_close(&built);
        generation_sweep(&writer->names);
        replaced_cancel(old_routes);
        replaced_cancel(old_control);
        writer_abandon(writer);
        return status;
    }
    replaced_add(&writer->replaced, old_routes, false, now);
    replaced_add(&writer->replaced, old_control, true, now);
    struct generation replaced = writer->now;
    writer->now = built;
    slot_set_free(&writer->leaving);
    writer->leaving_units = 0;
    sigbus_protect(&writer->now.control_region);
    if (replaced.control_region.s_base)
        writer_retire_control(writer, &replaced, kept, now);
    region_close(&writer->left);
    writer->left = replaced.routes_region;
    replaced.routes_region = (struct region){0};
    generation_close(&replaced);
    region_close_part(&writer->left, LEAVE_BYTES);
    return SHM_OK;
}

enum shm_status writer_switch(struct writer *writer, const struct generation_plan *plan,
                              struct routes_header *s_replaced, const struct writer_options *options,
                              uint32_t *damaged)
{
    bool complete;
    if (writer->now.control_region.s_base)
        writer_collect_object_calls(writer, &writer->now.stats, UINT32_MAX);
    enum shm_status status = writer_begin(writer, plan);
    if (status == SHM_OK)
        status = writer_continue(writer, UINT64_MAX, &complete);
    if (status != SHM_OK)
        return status;
    *damaged = writer->next.copying.damaged + writer->next.left_out;
    return writer_install(writer, s_replaced, options, plan->copying.now);
}

enum shm_status writer_recreate(struct writer *writer, uint64_t now)
{
    const struct routes *routes = &writer->now.publisher.routes;
    struct generation_plan plan = writer_plan(writer, routes, now);
    uint32_t damaged = 0;
    plan.bucket_count = routes->bucket_count;
    plan.arena_units = routes->arena_units;
    return writer_switch(writer, &plan, routes->s_header, NULL, &damaged);
}

uint64_t writer_held_most(const struct writer *writer)
{
    uint64_t most = HELD_SHARE * writer->max_bytes;
    return most > HELD_LEAST ? most : HELD_LEAST;
}

bool writer_holders_full(const struct writer *writer, struct replaced_held held)
{
    return writer->replaced.count == REPLACED_OBJECTS_MAX || held.bytes > writer_held_most(writer);
}

bool writer_may_replace(struct writer *writer, uint64_t now)
{
    const struct replaced_held held = replaced_check(&writer->replaced, now);
    if (!writer_holders_full(writer, held))
        return true;
    struct event *event = event_add(&writer->events, EVENT_HELD, NULL);
    event->number[0] = held.objects;
    event->number[1] = held.bytes;
    return false;
}
