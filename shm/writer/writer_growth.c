/* SPDX-License-Identifier: MIT */
/* Generations for lack of room: larger ones, and compacted ones, which leave out what has expired. */
#include "shm/writer/writer_internal.h"

/* What is done at one go while the fetcher grows: some milliseconds. Tests define less. */
#ifndef GROWTH_WORK
#define GROWTH_WORK (UINT64_C(1) << 13)
#endif

enum {
    KEYS_SHARE =
        4, /* meanwhile there may be a quarter more keys than usual, for most of which the fast path does */
};

/* Members of the group can make room be needed again and again, by keys that do not exist (G10). */
static bool may_compact(struct writer *writer, uint64_t now)
{
    if (now < writer->compacted + COMPACT_MS ||
        writer->compaction_due > now + (COMPACTIONS - 1) * (uint64_t)COMPACTION_MS)
        return false;
    writer->compacted = now;
    if (!writer_may_replace(writer, now))
        return false;
    writer->compaction_due = (writer->compaction_due > now ? writer->compaction_due : now) + COMPACTION_MS;
    return true;
}

void writer_compact(struct writer *writer, uint64_t now)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    if (writer->next.under_way || !may_compact(writer, now))
        return;
    writer_plan_size(writer, writer_staying_keys(writer), writer_staying_units(writer),
                     publisher->arena.waiting, &plan);
    if (plan.arena_units >= writer_staying_units(writer))
        writer_switch(writer, &plan, publisher->routes.s_header, NULL, &damaged);
}

/* A new generation drops entries that have expired. */
bool writer_unknown_full(struct writer *writer, uint64_t now)
{
    if (writer_counter(writer, COUNTER_negative) >= writer->max_unknown)
        writer_compact(writer, now);
    return writer_counter(writer, COUNTER_negative) >= writer->max_unknown;
}

static enum shm_status go_on(struct writer *writer, uint64_t work, uint64_t now)
{
    bool complete;
    enum shm_status status = writer_continue(writer, work, &complete);
    if (status != SHM_OK || !complete)
        return status;
    /* What results change is copied, too: the share of a host that has come back. */
    writer_collect_object_calls(writer, &writer->now.stats, UINT32_MAX);
    status = writer_continue(writer, UINT64_MAX, &complete);
    return status == SHM_OK ? writer_install(writer, writer_header(writer), NULL, now) : status;
}

void writer_end_growth(struct writer *writer, uint64_t now)
{
    if (writer->next.under_way)
        go_on(writer, UINT64_MAX, now);
}

bool writer_grow_on(struct writer *writer, uint64_t now)
{
    if (!writer->next.under_way)
        return region_close_part(&writer->left, LEAVE_BYTES) || replaced_free_part(&writer->replaced);
    go_on(writer, GROWTH_WORK, now);
    return writer->next.under_way || writer->left.s_base;
}

static enum shm_status begin(struct writer *writer, const struct generation_plan *plan, uint64_t now)
{
    struct publisher *publisher = &writer->now.publisher;
    uint32_t usual = publisher->keys_max, next = plan->bucket_count * BUCKET_SLOTS / 2;
    enum shm_status status = writer_begin(writer, plan);
    if (status != SHM_OK)
        return status;
    publisher->keys_max = next < usual + usual / KEYS_SHARE ? next : usual + usual / KEYS_SHARE;
    return go_on(writer, GROWTH_WORK, now);
}

static bool is_larger(const struct writer *writer, const struct generation_plan *plan)
{
    const struct routes *routes = &writer->now.publisher.routes;
    return plan->arena_units > routes->arena_units || plan->bucket_count > routes->bucket_count;
}

static bool has_room(const struct generation_plan *plan, uint64_t live, uint32_t more_units, bool new_key)
{
    return new_key ? writer_room_beside_reserve(plan->arena_units, live, more_units)
                   : plan->arena_units >= live + more_units;
}

enum shm_status writer_grow(struct writer *writer, uint32_t more_units, bool new_key, uint64_t now)
{
    if (writer->next.under_way)
        return go_on(writer, UINT64_MAX, now);
    if (writer->no_space && now < writer->no_space + NO_SPACE_MS)
        return SHM_NO_SPACE;
    const struct publisher *publisher = &writer->now.publisher;
    const uint64_t live = publisher->arena.live, staying = writer_staying_units(writer),
                   spare = (uint64_t)publisher->arena.waiting + more_units;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    writer_plan_size(writer, writer_staying_keys(writer) + 1, staying, spare, &plan);
    if (!has_room(&plan, staying, more_units, new_key))
        return SHM_FULL;
    if (!is_larger(writer, &plan) && !may_compact(writer, now)) {
        /* Where it may not be compacted, larger, as if all stayed. */
        writer_plan_size(writer, publisher->keys + UINT64_C(1), live, spare, &plan);
        if (!is_larger(writer, &plan) || !has_room(&plan, live, more_units, new_key))
            return SHM_FULL;
    }
    return begin(writer, &plan, now);
}

void writer_drop_leaving(struct writer *writer, uint64_t now)
{
    const struct publisher *publisher = &writer->now.publisher;
    const struct routes *routes = &publisher->routes;
    struct generation_plan plan = writer_plan(writer, routes, now);
    if (writer->leaving.count == 0 || writer->next.under_way || now < writer_leaving_due(writer) ||
        (writer->no_space && now < writer->no_space + NO_SPACE_MS))
        return;
    writer_plan_size(writer, writer_staying_keys(writer), writer_staying_units(writer),
                     publisher->arena.waiting, &plan);
    uint64_t bytes = routes_size(plan.bucket_count, plan.arena_units),
             before = routes_size(routes->bucket_count, routes->arena_units);
    if ((!writer->leaving_soon && bytes > before / 2) || plan.arena_units < writer_staying_units(writer))
        return;
    writer->leaving_dropped = now;
    if (writer_may_replace(writer, now) && begin(writer, &plan, now) == SHM_OK)
        writer->leaving_soon = false;
}

bool writer_may_grow_for_keys(const struct writer *writer)
{
    struct generation_plan plan;
    writer_plan_size(writer, writer_staying_keys(writer) + 1, writer_staying_units(writer), 1, &plan);
    return writer_room_beside_reserve(plan.arena_units, writer_staying_units(writer), 1);
}
