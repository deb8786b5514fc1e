/* SPDX-License-Identifier: MIT */
/* The start and the end of a fetcher: locks the instance, adopts the previous fetcher's routes, releases everything. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/writer/adopted_table.h"
#include "shm/writer/lock.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"

/* Objects of this name that the fetcher may replace: absent, or its own. Anything else may be a trap. */
static enum shm_status open_own(struct writer *writer, const char *name, mode_t unsafe_mode,
                                struct region *out)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = unsafe_mode};
    enum shm_status status = region_open(name, true, &self, 0, out);
    switch (status) {
    case SHM_OK:
    case SHM_NO_OBJECT:
        return SHM_OK;
    case SHM_FOREIGN:
    case SHM_NO_PERMISSION:
        event_add(&writer->events, EVENT_OBJECT_FOREIGN, name);
        return SHM_FOREIGN;
    case SHM_UNSAFE:
        event_add(&writer->events, EVENT_OBJECT_UNSAFE, name);
        return status;
    default:
        event_add(&writer->events, EVENT_OBJECT_FAILED, name);
        return status;
    }
}

static enum shm_status lock_instance(struct writer *writer, const char *instance)
{
    pid_t holder = 0;
    enum shm_status status = object_names(instance, &writer->names);
    if (status != SHM_OK) {
        event_add(&writer->events, EVENT_BAD_INSTANCE, instance);
        return status;
    }
    status = lock_take(writer->names.lock, &writer->lock, &holder);
    if (status == SHM_RUNNING)
        event_add(&writer->events, EVENT_RUNNING, instance)->number[0] = (uint64_t)holder;
    else if (status == SHM_SYSTEM_ERROR)
        event_add(&writer->events, EVENT_LOCK_FAILED, writer->names.lock);
    else if (status == SHM_UNSAFE)
        event_add(&writer->events, EVENT_LOCK_UNSAFE, writer->names.lock);
    else if (status != SHM_OK)
        event_add(&writer->events, EVENT_LOCK_FOREIGN, writer->names.lock);
    if (status != SHM_OK)
        return status;
    status = generation_sweep(&writer->names);
    if (status != SHM_OK)
        event_add(&writer->events, EVENT_LEFTOVERS, writer->names.routes);
    return status;
}

/* How much a generation needs that adopts `source`. Damaged slots do not count. */
static void plan_adoption(const struct writer *writer, const struct routes *source,
                          struct generation_plan *plan)
{
    uint64_t keys = 0, units = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(source); slot++) {
        index_fetch_ahead(source, slot);
        uint64_t word = load_acquire(&routes_slot(source, slot)->key);
        struct table table;
        if (word == 0 || index_find(source, route_key_from_word(word)) != slot ||
            adopted_table(source, slot, route_key_from_word(word), NULL, &table) != SHM_OK)
            continue;
        keys++;
        units += block_units(table.count);
    }
    writer_plan_size(writer, keys, units, 0, plan);
    if (plan->arena_units < units) /* max_bytes was lowered: published routes are kept all the same */
        plan->arena_units = (uint32_t)units;
}

/* What the first object needs. Its tables leave to changes what new routes leave to them. */
static bool plan_restoring(const struct writer *writer, const struct route_source *restored,
                           struct generation_plan *plan)
{
    if (!restored || !restored->begin(restored->context, &plan->extent))
        return false;
    plan->copying.now = clock_tick(); /* reading them has taken a while */
    plan->restored = restored;
    writer_plan_size(writer, plan->extent.keys, plan->extent.units, 0, plan);
    plan->restored_units = plan->arena_units - plan->arena_units / RESERVE_SHARE;
    return true;
}

static enum shm_status restore(struct writer *writer, const struct generation_plan *plan,
                               const struct writer_options *options)
{
    uint32_t left_out = 0;
    enum shm_status status = writer_switch(writer, plan, NULL, options, &left_out);
    if (status != SHM_OK)
        return status;
    writer_adopt_retired(writer);
    struct event *event = event_add(&writer->events, EVENT_RESTORED, writer->names.routes);
    event->number[0] = plan->extent.time;
    event->number[1] = writer_counter(writer, COUNTER_routes);
    event->number[2] = left_out;
    return SHM_OK;
}

/* A header that readers may be looking at: `superseded` has the same place in every layout. */
static struct routes_header *replaced_header(const struct region *old)
{
    struct routes_header *s_header = old->s_base;
    return s_header && old->size >= HEADER_BYTES && s_header->id.magic == ROUTES_MAGIC ? s_header : NULL;
}

/* Routes of a layout that this fetcher cannot read: under a second name they wait for one that can. */
static enum shm_status put_aside(struct writer *writer, const struct object_id *s_id)
{
    enum shm_status status = region_link(writer->names.routes, writer->names.other_routes);
    event_add(&writer->events, status == SHM_OK ? EVENT_PUT_ASIDE : EVENT_NOT_PUT_ASIDE, writer->names.routes)
        ->number[0] = s_id->layout_version;
    return status;
}

/* Installs the first generation. A valid object that is being served becomes its source. */
static enum shm_status adopt(struct writer *writer, const struct region *old,
                             const struct writer_options *options)
{
    struct routes source;
    uint32_t damaged = 0;
    enum shm_status readable = old->s_base ? routes_adopt(old, &source) : SHM_NO_OBJECT;
    if (readable == SHM_LAYOUT && put_aside(writer, old->s_base) != SHM_OK)
        return SHM_SYSTEM_ERROR;
    struct generation_plan plan = writer_plan(writer, readable == SHM_OK ? &source : NULL, clock_tick());
    plan.copying.same_writer = false;
    if (plan.copying.source) {
        /* Few: this fetcher may die as early, and leave one more. Until it judges, reports may find no room (G10). */
        bool few = writer_retired_pile_up(writer, old->size, control_size(control_shape(&source)));
        plan.call_cells = writer->call_cells = few ? FIRST_CALL_CELLS : source.call_cells;
        plan_adoption(writer, plan.copying.source, &plan);
    } else
        writer_plan_size(writer, 0, 0, 0, &plan);
    bool restoring = !old->s_base && plan_restoring(writer, options->restored, &plan);
    if (restoring) {
        if (restore(writer, &plan, options) == SHM_OK)
            return SHM_OK;
        plan.restored = NULL;
        writer_plan_size(writer, 0, 0, 0, &plan);
    }
    enum shm_status status = writer_switch(writer, &plan, replaced_header(old), options, &damaged);
    if (status != SHM_OK)
        return status;
    if (restoring)
        options->restored->refused(options->restored->context);
    writer_resume_uses(writer);
    writer_adopt_retired(writer);
    if (plan.copying.source) {
        /* If the previous fetcher died between its rename and SUPERSEDED_YES, readers of a third object find the name
         * within ANNOUNCED_LOOK_MS. This fetcher publishes after that, so they are not behind any publish (G3). */
        usleep(2 * ANNOUNCED_LOOK_MS * 1000);
        struct event *event = event_add(&writer->events, EVENT_ADOPTED, writer->names.routes);
        event->number[0] = source.generation;
        event->number[1] = writer_counter(writer, COUNTER_routes);
        event->number[2] = damaged;
    } else if (old->s_base && readable != SHM_LAYOUT) {
        event_add(&writer->events, EVENT_REPLACED_DAMAGED, writer->names.routes);
    }
    return SHM_OK;
}

static gid_t group_of(const char *name)
{
    const struct group *group = *name ? getgrnam(name) : NULL;
    return group ? group->gr_gid : (gid_t)-1;
}

enum shm_status writer_open(struct writer **out, const struct writer_options *options, struct event *failure)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer) {
        *failure = (struct event){.kind = EVENT_NO_MEMORY};
        return SHM_SYSTEM_ERROR;
    }
    writer->lock = -1;
    postponed_init(&writer->postponed);
    writer->max_bytes = options->max_bytes;
    writer->grace_ms = options->settings.grace_ms;
    writer->max_unknown = options->max_unknown;
    writer->call_cells = FIRST_CALL_CELLS;
    writer->group = group_of(options->group);

    struct region old_routes = {0}, old_control = {0};
    enum shm_status status = lock_instance(writer, options->instance);
    if (status == SHM_OK)
        status = open_own(writer, writer->names.routes, 0022, &old_routes);
    if (status == SHM_OK)
        status = open_own(writer, writer->names.control, 0002, &old_control);
    if (status == SHM_OK) {
        region_close(&old_control);
        status = adopt(writer, &old_routes, options);
    }
    region_close(&old_routes);
    region_close(&old_control);
    if (status == SHM_OK) {
        *out = writer;
    } else {
        *failure = (struct event){.kind = EVENT_NO_MEMORY};
        event_take(&writer->events, failure);
        writer_close(writer);
    }
    return status;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->now.routes_region.s_base) {
        writer_collect_lookups(writer, &writer->now.stats.control);
        writer_publish_uses(writer);
        store_relaxed(&writer_header(writer)->connection, CONNECTION_NONE);
        store_relaxed(&writer_header(writer)->fetcher_since, clock_unix_ms());
        store_relaxed(&writer_header(writer)->fetcher_state, FETCHER_STOPPED);
    }
    /* They keep their names: what clients have added since the last collection is the next fetcher's to collect. */
    for (int i = 0; i < RETIRED_MAX; i++) {
        sigbus_unprotect(&writer->retired[i].region);
        region_close(&writer->retired[i].region);
    }
    sigbus_unprotect(&writer->now.control_region);
    generation_abandon(&writer->names, &writer->next);
    region_close(&writer->left);
    generation_close(&writer->now);
    replaced_close(&writer->replaced);
    postponed_free(&writer->postponed);
    slot_set_free(&writer->leaving);
    if (writer->lock >= 0)
        close(writer->lock);
    free(writer);
}
