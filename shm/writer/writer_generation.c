/* SPDX-License-Identifier: MIT */
/* The objects of an instance while its fetcher runs: creates, drains and maintains generations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/writer/lock.h"
#include "shm/writer/memory_room.h"
#include "shm/writer/retired_control.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"

enum {
    FIRST_BUCKETS = 256, /* 1,024 slots */
    FIRST_UNITS = 4096,  /* 256 KiB */
    /* All retired control objects together take at most so many times the size of the newest, or so many bytes.
     * Growth by half each time leaves objects that sum up to three times the newest. */
    RETIRED_SHARE = 4,
    RETIRED_LEAST = 16 << 20,
};

void writer_drop_retired(struct writer *writer, struct retired_control *retired)
{
    if (retired->region.s_base)
        retired_control_remove(&writer->names, retired->name);
    replaced_unmapped(&writer->replaced, &retired->region);
    sigbus_unprotect(&retired->region);
    region_close(&retired->region);
    *retired = (struct retired_control){0};
}

void writer_collect_lookups(struct writer *writer, const struct control *control)
{
    struct lookup_counts counts = collect_lookups(control);
    writer_count(writer, COUNTER_lookups, counts.lookups);
    writer_count(writer, COUNTER_lookups_missed, counts.missed);
    writer_count(writer, COUNTER_lookups_expired, counts.expired);
}

static struct retired_control *oldest_retired(struct writer *writer, bool in_use)
{
    struct retired_control *oldest = NULL;
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if ((retired->region.s_base || !in_use) && (!oldest || retired->until < oldest->until))
            oldest = retired;
    }
    return oldest;
}

void writer_end_retired(struct writer *writer, struct retired_control *retired)
{
    if (retired->region.s_base) {
        writer_collect_lookups(writer, &retired->stats.control);
        writer_end_object_calls(writer, &retired->stats);
    }
    writer_drop_retired(writer, retired);
}

/* Objects that are replaced again and again, for whatever reason, use no more memory than growth does (G10). */
static void bound_retired(struct writer *writer)
{
    uint64_t most = RETIRED_SHARE * (uint64_t)writer->now.control_region.size, bytes = 0;
    if (most < RETIRED_LEAST)
        most = RETIRED_LEAST;
    for (int i = 0; i < RETIRED_MAX; i++)
        bytes += writer->retired[i].region.size;
    for (struct retired_control *oldest = oldest_retired(writer, true); oldest && bytes > most;
         oldest = oldest_retired(writer, true)) {
        bytes -= oldest->region.size;
        writer_end_retired(writer, oldest);
    }
}

/* Retires the control object of a replaced generation; the oldest makes room. */
static void retire_control(struct writer *writer, struct generation *replaced, struct retired_name name,
                           uint64_t now)
{
    bound_retired(writer);
    struct retired_control *oldest = oldest_retired(writer, false);
    writer_end_retired(writer, oldest);
    *oldest = (struct retired_control){.region = replaced->control_region,
                                       .name = name,
                                       .stats = replaced->stats,
                                       .until = now + RETIRED_KEEP_MS};
    replaced->control_region = (struct region){0};
    replaced->stats = (struct call_stats){0};
}

static uint64_t plan_bytes(const struct generation_plan *plan)
{
    const struct control_shape shape = {plan->bucket_count * BUCKET_SLOTS, plan->call_cells, 0};
    return routes_size(plan->bucket_count, plan->arena_units) + control_size(shape);
}

static void report_space(struct writer *writer, enum event_kind kind, uint64_t needed, uint64_t available)
{
    struct event *event = event_add(&writer->events, kind, NULL);
    event->number[0] = needed;
    event->number[1] = available;
    writer->no_space_reason = kind == EVENT_MEMORY_LIMIT ? REFUSING_MEMORY : REFUSING_NO_SPACE;
}

/* A generation that does not fit under the limit would get this process killed, and the next fetcher after it. */
static enum shm_status build(struct writer *writer, const struct generation_plan *plan,
                             struct generation *built, uint32_t *damaged)
{
    uint64_t room = memory_room("");
    if (!memory_has_room(room, plan_bytes(plan))) {
        report_space(writer, EVENT_MEMORY_LIMIT, plan_bytes(plan), room);
        return SHM_NO_SPACE;
    }
    enum shm_status status = generation_build(&writer->names, plan, built, damaged);
    if (status == SHM_NO_SPACE)
        report_space(writer, EVENT_NO_SPACE, plan_bytes(plan), region_space_available());
    else if (status != SHM_OK && status != SHM_FULL)
        event_add(&writer->events, EVENT_GENERATION_FAILED, writer->names.routes);
    return status;
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
    store_relaxed(&s_header->counters[COUNTER_pulling], 0);
}

struct generation_plan writer_plan(const struct writer *writer, const struct routes *source, uint64_t now)
{
    return (struct generation_plan){
        .call_cells = writer->call_cells,
        .source = source,
        .same_writer = true,
        .now = now,
        .grace_ms = writer->grace_ms,
        .control_group = writer->group,
        .directory = writer->directory,
    };
}

enum shm_status writer_switch(struct writer *writer, const struct generation_plan *plan,
                              struct routes_header *s_replaced, const struct writer_options *options,
                              uint32_t *damaged)
{
    struct generation built;
    replaced_check(&writer->replaced); /* what is freed has room for the new one */
    /* Of the object that loses its name at H2: the header may be ahead of it, see generation_renew_control(). */
    uint64_t control = writer->now.control_region.s_base ? writer->now.stats.number
                       : s_replaced                      ? control_number(s_replaced)
                                                         : 0;
    if (writer->now.control_region.s_base)
        writer_collect_object_calls(writer, &writer->now.stats, UINT32_MAX);
    enum shm_status status = build(writer, plan, &built, damaged);
    if (status == SHM_NO_SPACE)
        writer->no_space = plan->now;
    if (status != SHM_OK)
        return status;
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
        return status;
    }
    replaced_add(&writer->replaced, old_routes, false);
    replaced_add(&writer->replaced, old_control, true);
    struct generation replaced = writer->now;
    writer->now = built;
    sigbus_protect(&writer->now.control_region);
    if (replaced.control_region.s_base)
        retire_control(writer, &replaced, kept, plan->now);
    generation_close(&replaced);
    return SHM_OK;
}

void writer_plan_size(const struct writer *writer, uint64_t keys, uint64_t live_units, uint64_t spare_units,
                      struct generation_plan *plan)
{
    uint64_t units = (live_units + spare_units) / 2 * 3;
    uint64_t buckets = (keys + 1) / 2; /* half full: BUCKET_SLOTS / 2 keys in each */
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

bool writer_may_replace(struct writer *writer)
{
    const struct replaced_held held = replaced_check(&writer->replaced);
    uint64_t most = HELD_SHARE * writer->max_bytes;
    if (most < HELD_LEAST)
        most = HELD_LEAST;
    if (writer->replaced.count < REPLACED_OBJECTS_MAX && held.bytes <= most)
        return true;
    struct event *event = event_add(&writer->events, EVENT_HELD, NULL);
    event->number[0] = held.objects;
    event->number[1] = held.bytes;
    return false;
}

/* Members of the group can make room be needed again and again, by keys that do not exist (G10). */
static bool may_compact(struct writer *writer, uint64_t now)
{
    if (now < writer->compacted + COMPACT_MS ||
        writer->compaction_due > now + (COMPACTIONS - 1) * (uint64_t)COMPACTION_MS)
        return false;
    writer->compacted = now;
    if (!writer_may_replace(writer))
        return false;
    writer->compaction_due = (writer->compaction_due > now ? writer->compaction_due : now) + COMPACTION_MS;
    return true;
}

void writer_compact(struct writer *writer, uint64_t now)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    if (!may_compact(writer, now))
        return;
    writer_plan_size(writer, publisher->keys, publisher->arena.live, publisher->arena.waiting, &plan);
    if (plan.arena_units >= publisher->arena.live)
        writer_switch(writer, &plan, publisher->routes.s_header, NULL, &damaged);
}

enum shm_status writer_grow(struct writer *writer, uint32_t more_units, bool new_key, uint64_t now)
{
    if (writer->no_space && now < writer->no_space + NO_SPACE_MS)
        return SHM_NO_SPACE;
    const struct publisher *publisher = &writer->now.publisher;
    const struct arena *arena = &publisher->arena;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    writer_plan_size(writer, publisher->keys + UINT64_C(1), arena->live,
                     (uint64_t)arena->waiting + more_units, &plan);
    if (new_key ? !writer_room_beside_reserve(plan.arena_units, arena->live, more_units)
                : plan.arena_units < (uint64_t)arena->live + more_units)
        return SHM_FULL;
    if (plan.arena_units <= arena->units && plan.bucket_count <= publisher->routes.bucket_count) {
        /* Not larger, only compacted. */
        if (!may_compact(writer, now))
            return SHM_FULL;
    }
    return writer_switch(writer, &plan, publisher->routes.s_header, NULL, &damaged);
}

bool writer_may_grow_for_keys(const struct writer *writer)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan;
    writer_plan_size(writer, publisher->keys + UINT64_C(1), publisher->arena.live, 1, &plan);
    return writer_room_beside_reserve(plan.arena_units, publisher->arena.live, 1);
}

static int by_slot(const void *left, const void *right)
{
    const struct replacement *a = left, *b = right;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* Of the answers that waited longest, as many as fit; the live units that come of it. */
static uint64_t choose_replacements(const struct writer *writer, uint64_t most, struct replacement *out,
                                    uint32_t *count)
{
    const struct postponed_answer *answer;
    uint64_t live = writer->now.publisher.arena.live;
    *count = 0;
    TAILQ_FOREACH(answer, &writer->postponed.queue, place) {
        const struct route_ref route = writer_find(writer, answer->table.key);
        uint64_t after = live + block_units(answer->table.count) - block_units(route_ref_count(&route));
        if (!route_ref_is_here(&route) || after > most)
            continue;
        live = after;
        out[(*count)++] = (struct replacement){route.slot, answer->answered, answer->table};
    }
    qsort(out, *count, sizeof(*out), by_slot);
    return live;
}

void writer_catch_up(struct writer *writer, uint64_t now)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    if (now < writer->caught_up + CATCH_UP_MS)
        return;
    writer->caught_up = now;
    if (!writer_may_replace(writer))
        return;
    struct replacement *replacements = calloc(writer->postponed.count, sizeof(*replacements));
    if (!replacements)
        return;
    writer_plan_size(writer, publisher->keys, publisher->arena.live, writer->postponed.units, &plan);
    if (plan.arena_units < publisher->routes.arena_units) { /* for the keys' sake, or max_bytes was lowered */
        plan.arena_units = publisher->routes.arena_units;
        plan.bucket_count = publisher->routes.bucket_count;
    }
    plan.replacements = replacements;
    uint64_t live = choose_replacements(writer, plan.arena_units, replacements, &plan.replacement_count);
    if (plan.replacement_count && live <= plan.arena_units)
        writer_switch(writer, &plan, publisher->routes.s_header, NULL, &damaged);
    free(replacements);
}

bool writer_control_cut(const struct writer *writer)
{
    /* The end of the object: any truncation removes it, and the SIGBUS handler records the access. */
    const struct control *control = &writer->now.stats.control;
    volatile uint64_t touched = load_relaxed(&control->s_calls[control->shape.call_cells - 1].succ_run);
    (void)touched;
    return sigbus_hit(&writer->now.control_region);
}

/* What the next client needs: an object that is complete and has a valid header. Attached clients need neither. */
static bool control_usable(const struct writer *writer)
{
    struct control found;
    return !writer_control_cut(writer) &&
           region_is_whole(&writer->now.control_region, writer->names.control) &&
           control_attach(&writer->now.control_region, control_shape(&writer->now.publisher.routes),
                          writer->now.stats.number, &found) == SHM_OK;
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

enum shm_status writer_set_directory(struct writer *writer, const char *directory, uint64_t now)
{
    snprintf(writer->directory, DIRECTORY_NAME, "%s", directory);
    return writer_recreate(writer, now);
}

/*
 * One that was truncated is dropped, for its results are gone; any other is collected like that of a replaced
 * generation. It gets a second name only if it is whole: otherwise it has none any more, or its header is not what a
 * next fetcher would accept.
 */
enum shm_status writer_renew_control(struct writer *writer, uint64_t now)
{
    struct generation replaced;
    struct retired_name kept = {0};
    bool cut = writer_control_cut(writer);
    if (!writer_may_replace(writer)) {
        if (cut)
            generation_leave_control(&writer->now);
        return SHM_FULL;
    }
    if (control_usable(writer) &&
        retired_control_keep(&writer->names, writer->now.stats.number, &kept) != SHM_OK)
        event_add(&writer->events, EVENT_NOT_KEPT, writer->names.control);
    int old = replaced_open(writer->names.control, &writer->now.control_region);
    enum shm_status status =
        generation_renew_control(&writer->names, cut, writer->group, &writer->now, &replaced);
    if (status == SHM_NO_SPACE)
        report_space(writer, EVENT_NO_SPACE, control_size(writer->now.stats.control.shape),
                     region_space_available());
    else if (status != SHM_OK)
        event_add(&writer->events, EVENT_INSTALL_FAILED, writer->names.control);
    if (status != SHM_OK) {
        retired_control_remove(&writer->names, kept);
        replaced_cancel(old);
        return status;
    }
    replaced_add(&writer->replaced, old, !cut);
    sigbus_protect(&writer->now.control_region);
    if (cut) {
        sigbus_unprotect(&replaced.control_region);
        region_close(&replaced.control_region);
    } else {
        retire_control(writer, &replaced, kept, now);
    }
    return SHM_OK;
}

/* A lock that has lost its name keeps no other fetcher out: take it again, before another one does. */
static enum shm_status keep_lock(struct writer *writer)
{
    int lock = -1;
    pid_t holder = 0;
    if (lock_is_named(writer->lock, writer->names.lock))
        return SHM_OK;
    enum shm_status status = lock_take(writer->names.lock, &lock, &holder);
    if (status == SHM_OK) {
        close(writer->lock);
        writer->lock = lock;
        event_add(&writer->events, EVENT_LOCK_RETAKEN, writer->names.lock);
    } else if (status == SHM_RUNNING) {
        event_add(&writer->events, EVENT_LOCK_LOST, writer->names.lock)->number[0] = (uint64_t)holder;
    } else {
        event_add(&writer->events, EVENT_LOCK_GONE, writer->names.lock);
    }
    return status;
}

/* A new generation drops entries that have expired. */
bool writer_unknown_full(struct writer *writer, uint64_t now)
{
    if (writer_counter(writer, COUNTER_negative) >= writer->max_unknown)
        writer_compact(writer, now);
    return writer_counter(writer, COUNTER_negative) >= writer->max_unknown;
}

/* The reason for refusing new keys may be over. If it is not, the next refused key sets it again. */
static void clear_refusal(struct writer *writer, uint64_t now)
{
    uint32_t why = load_relaxed(&writer_header(writer)->refusing);
    if (why == REFUSING_NOTHING || (why == REFUSING_MAX_UNKNOWN && writer_unknown_full(writer, now)) ||
        (why == REFUSING_MAX_BYTES && !writer_may_grow_for_keys(writer)))
        return;
    store_relaxed(&writer_header(writer)->refusing, REFUSING_NOTHING); /* of another generation perhaps */
}

enum shm_status writer_maintain(struct writer *writer, uint64_t now)
{
    enum shm_status status = keep_lock(writer);
    if (status != SHM_OK)
        return status;
    writer_collect_lookups(writer, &writer->now.stats.control);
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if (!retired->region.s_base)
            continue;
        if (now >= retired->until)
            writer_end_retired(writer, retired);
        else
            writer_collect_lookups(writer, &retired->stats.control);
    }
    const struct arena *arena = &writer->now.publisher.arena;
    writer_gauge(writer, COUNTER_units_live, arena->live);
    writer_gauge(writer, COUNTER_units_retired, arena->waiting);
    writer_gauge(writer, COUNTER_postponed, writer->postponed.count);
    const struct replaced_held held = replaced_check(&writer->replaced);
    writer_gauge(writer, COUNTER_replaced_objects, held.objects);
    writer_gauge(writer, COUNTER_replaced_bytes, held.bytes);

    clear_refusal(writer, now);
    bool named = region_is_named(&writer->now.routes_region, writer->names.routes);
    if (named && control_usable(writer))
        return SHM_OK;
    status = named ? writer_renew_control(writer, now) : writer_recreate(writer, now);
    if (status == SHM_FULL) /* programs hold too much; that was said */
        return SHM_OK;
    if (status == SHM_OK)
        event_add(&writer->events, named ? EVENT_CONTROL_RECREATED : EVENT_OBJECTS_RECREATED,
                  named ? writer->names.control : writer->names.routes);
    return status;
}
