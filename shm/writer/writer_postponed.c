/* SPDX-License-Identifier: MIT */
/* Answers that found no room when they came. */
#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/writer/writer_internal.h"

enum {
    LATE_TRIES = 16,    /* answers in a row that find no room */
    CATCH_UP_MS = 1000, /* between two generations for them, at least */
    DOUBLINGS_MAX = 31,
};

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
    uint64_t live = writer_staying_units(writer);
    *count = 0;
    TAILQ_FOREACH(answer, &writer->postponed.queue, place) {
        const struct route_ref route = writer_find(writer, answer->table.key);
        uint64_t after = live + block_units(answer->table.count) - block_units(route_ref_count(&route));
        if (!route_ref_is_here(&route) || writer_is_leaving(writer, route.slot) || after > most)
            continue;
        live = after;
        out[(*count)++] = (struct replacement){route.slot, answer->answered, answer->table};
    }
    qsort(out, *count, sizeof(*out), by_slot);
    return live;
}

/* Programs that hold what is replaced delay what waits, and stop nothing: with each quarter of what they may hold, the time
 * doubles. So what they can have replaced grows with the logarithm of time (G10). */
static uint64_t catch_up_ms(struct writer *writer, uint64_t now)
{
    uint64_t held = replaced_check(&writer->replaced, now).bytes,
             doublings = held / (writer_held_most(writer) / HELD_SHARE);
    return (uint64_t)CATCH_UP_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
}

/* Creates a generation in which as many of them as fit are published. */
static void catch_up(struct writer *writer, uint64_t now)
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan = writer_plan(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    if (writer->next.under_way || now < writer->caught_up + CATCH_UP_MS ||
        now < writer->caught_up + catch_up_ms(writer, now))
        return;
    writer->caught_up = now;
    struct replacement *replacements = calloc(writer->postponed.count, sizeof(*replacements));
    if (!replacements)
        return;
    writer_plan_size(writer, writer_staying_keys(writer), writer_staying_units(writer),
                     writer->postponed.units, &plan);
    if (plan.arena_units < publisher->routes.arena_units) { /* for the keys' sake, or max_bytes was lowered */
        plan.arena_units = publisher->routes.arena_units;
        plan.bucket_count = publisher->routes.bucket_count;
    }
    plan.copying.replacements = replacements;
    uint64_t live =
        choose_replacements(writer, plan.arena_units, replacements, &plan.copying.replacement_count);
    if (plan.copying.replacement_count && live <= plan.arena_units)
        writer_switch(writer, &plan, publisher->routes.s_header, NULL, &damaged);
    free(replacements);
}

bool writer_next_late(struct writer *writer, uint64_t now, struct route_ref *out)
{
    struct postponed_answer *answer;
    for (int tries = 0; tries < LATE_TRIES && (answer = postponed_first(&writer->postponed)); tries++) {
        struct publication table = answer->table;
        *out = writer_find(writer, table.key);
        if (!route_ref_is_here(out)) {
            postponed_drop(&writer->postponed, table.key);
            continue;
        }
        table.marks = load_relaxed(&out->table.s_block->marks);
        enum put_result result =
            publisher_put(&writer->now.publisher, &out->slot, SLOT_NONE, &table, answer->answered);
        if (result == PUT_NO_ROOM) {
            postponed_defer(&writer->postponed, answer);
            catch_up(writer, now);
            continue;
        }
        if (result == PUT_PUBLISHED)
            writer_recount(writer);
        writer_count(writer, COUNTER_publishes, 1);
        postponed_drop(&writer->postponed, table.key);
        *out = writer_find(writer, out->key);
        return true;
    }
    return false;
}
