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
    writer_plan_size(writer, publisher->keys, publisher->arena.live, publisher->arena.waiting, &plan);
    if (plan.arena_units >= publisher->arena.live)
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

enum shm_status writer_grow(struct writer *writer, uint32_t more_units, bool new_key, uint64_t now)
{
    if (writer->next.under_way)
        return go_on(writer, UINT64_MAX, now);
    if (writer->no_space && now < writer->no_space + NO_SPACE_MS)
        return SHM_NO_SPACE;
    const struct publisher *publisher = &writer->now.publisher;
    const struct arena *arena = &publisher->arena;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
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
    return begin(writer, &plan, now);
}

bool writer_may_grow_for_keys(const struct writer *writer)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan;
    writer_plan_size(writer, publisher->keys + UINT64_C(1), publisher->arena.live, 1, &plan);
    return writer_room_beside_reserve(plan.arena_units, publisher->arena.live, 1);
}
