/* SPDX-License-Identifier: MIT */
/* Generations for lack of room: larger ones, and compacted ones, which leave out what has expired. */
#include "shm/writer/writer_internal.h"

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
    if (!may_compact(writer, now))
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
