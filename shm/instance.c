/* SPDX-License-Identifier: MIT */
/* The objects of an instance through the life of its fetcher: adopted, grown, replaced, let go. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/lock.h"
#include "shm/writer_internal.h"

enum {
    FIRST_BUCKETS = 256, /* 1,024 slots */
    FIRST_UNITS = 4096,  /* 256 KiB */
    DRAIN_MS = 60 * 1000,
};

static void drop_draining(struct draining *draining)
{
    region_close(&draining->region);
    *draining = (struct draining){0};
}

static void take_lookups(struct writer *writer, const struct control *control)
{
    struct lookup_counts counts = harvest_lookups(control);
    writer_count(writer, COUNTER_lookups, counts.lookups);
    writer_count(writer, COUNTER_lookups_missed, counts.missed);
    writer_count(writer, COUNTER_lookups_expired, counts.expired);
}

/* Moves the control object of a replaced generation aside; the oldest makes room. */
static void drain(struct writer *writer, struct generation *replaced, uint64_t now)
{
    struct draining *oldest = &writer->draining[0];
    for (int i = 1; i < DRAINING_MAX; i++)
        if (writer->draining[i].until < oldest->until)
            oldest = &writer->draining[i];
    if (oldest->region.s_base)
        take_lookups(writer, &oldest->control);
    drop_draining(oldest);
    *oldest = (struct draining){
        .region = replaced->control_region, .control = replaced->control, .until = now + DRAIN_MS};
    replaced->control_region = (struct region){0};
}

static void explain_space(const struct generation_plan *plan, char note[static WRITER_NOTE_MAX])
{
    uint64_t needed =
        routes_size(plan->bucket_count, plan->arena_units) + control_size(plan->bucket_count * BUCKET_SLOTS);
    snprintf(
        note, WRITER_NOTE_MAX,
        "shared memory is full: %llu KiB are needed and %llu KiB available in /dev/shm; free some, or lower "
        "[shm] max_bytes",
        (unsigned long long)(needed / 1024), (unsigned long long)(region_space_available() / 1024));
}

static void describe(struct routes_header *s_header, const struct writer_options *options)
{
    store_relaxed(&s_header->tick, clock_tick());
    store_relaxed(&s_header->fetcher_pid, (uint32_t)getpid());
    store_relaxed(&s_header->fetcher_state, FETCHER_RUNNING);
    store_relaxed(&s_header->fetcher_since, clock_unix_ms());
    store_relaxed(&s_header->connection, CONNECTION_NONE);
    store_relaxed(&s_header->connection_tick, clock_tick());
    store_relaxed(&s_header->update_timeout_s, options->update_timeout_s);
    store_relaxed(&s_header->max_bytes, options->max_bytes);
    store_relaxed(&s_header->grace_ms, options->grace_ms);
    store_relaxed(&s_header->poll_interval_ms, options->poll_interval_ms);
    store_relaxed(&s_header->counters[COUNTER_pulling], 0);
}

/* Fills in what is the same for all generations of this fetcher. */
static struct generation_plan plan_from(const struct writer *writer, const struct routes *source,
                                        uint64_t now)
{
    return (struct generation_plan){
        .source = source,
        .same_writer = true,
        .now = now,
        .grace_ms = writer->grace_ms,
        .control_group = writer->group,
        .directory = writer->directory,
    };
}

/*
 * Builds and shows a generation. The current one, if any, is drained. `options` (NULL: no change) describe a fetcher
 * that starts; `s_replaced` is the header of the object that loses its name. SHM_FULL comes without a note.
 */
static enum shm_status move(struct writer *writer, const struct generation_plan *plan,
                            struct routes_header *s_replaced, const struct writer_options *options,
                            uint32_t *damaged, char note[static WRITER_NOTE_MAX])
{
    struct generation built;
    enum shm_status status = generation_build(&writer->names, plan, &built, damaged);
    if (status == SHM_NO_SPACE)
        explain_space(plan, note);
    else if (status != SHM_OK && status != SHM_FULL)
        snprintf(note, WRITER_NOTE_MAX, "cannot make a new generation of %s: %s", writer->names.routes,
                 strerror(errno));
    if (status != SHM_OK)
        return status;
    if (options)
        describe(built.publisher.routes.s_header, options);
    status = generation_show(&writer->names, s_replaced);
    if (status != SHM_OK) {
        snprintf(note, WRITER_NOTE_MAX, "cannot replace %s: %s", writer->names.routes, strerror(errno));
        generation_close(&built);
        generation_sweep(&writer->names);
        return status;
    }
    struct generation replaced = writer->now;
    writer->now = built;
    if (replaced.control_region.s_base)
        drain(writer, &replaced, plan->now);
    generation_close(&replaced);
    return SHM_OK;
}

/*
 * Sizes for so many keys and live units, `spare_units` on top, and half as much again to grow into, so that a
 * million routes take some twenty steps and never more than half a share too much. As much as max_bytes allows.
 */
static void plan_size(const struct writer *writer, uint64_t keys, uint64_t live_units, uint64_t spare_units,
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

void writer_compact(struct writer *writer, uint64_t now, char note[static WRITER_NOTE_MAX])
{
    const struct publisher *publisher = &writer->now.publisher;
    struct generation_plan plan = plan_from(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    if (now < writer->compacted + COMPACT_MS)
        return;
    writer->compacted = now;
    plan_size(writer, publisher->keys, publisher->arena.live, publisher->arena.waiting, &plan);
    if (plan.arena_units >= publisher->arena.live)
        move(writer, &plan, publisher->routes.s_header, NULL, &damaged, note);
}

enum shm_status writer_grow(struct writer *writer, uint32_t more_units, uint64_t now,
                            char note[static WRITER_NOTE_MAX])
{
    const struct publisher *publisher = &writer->now.publisher;
    const struct arena *arena = &publisher->arena;
    struct generation_plan plan = plan_from(writer, &publisher->routes, now);
    uint32_t damaged = 0;
    plan_size(writer, publisher->keys + UINT64_C(1), arena->live, (uint64_t)arena->waiting + more_units,
              &plan);
    if (plan.arena_units < (uint64_t)arena->live + more_units)
        return SHM_FULL;
    if (plan.arena_units <= arena->units && plan.bucket_count <= publisher->routes.bucket_count) {
        /* No larger, only tidier: worth it now and then. */
        if (now < writer->compacted + COMPACT_MS)
            return SHM_FULL;
        writer->compacted = now;
    }
    return move(writer, &plan, publisher->routes.s_header, NULL, &damaged, note);
}

/* The same routes under the same size again. */
static enum shm_status remake(struct writer *writer, uint64_t now, char note[static WRITER_NOTE_MAX])
{
    const struct routes *routes = &writer->now.publisher.routes;
    struct generation_plan plan = plan_from(writer, routes, now);
    uint32_t damaged = 0;
    plan.bucket_count = routes->bucket_count;
    plan.arena_units = routes->arena_units;
    return move(writer, &plan, routes->s_header, NULL, &damaged, note);
}

enum shm_status writer_set_directory(struct writer *writer, const char *directory, uint64_t now,
                                     char note[static WRITER_NOTE_MAX])
{
    note[0] = '\0';
    snprintf(writer->directory, DIRECTORY_NAME, "%s", directory);
    return remake(writer, now, note);
}

/* A lock that has lost its name keeps nobody out: take it again, before somebody else does. */
static enum shm_status keep_lock(struct writer *writer, char note[static WRITER_NOTE_MAX])
{
    int lock = -1;
    pid_t holder = 0;
    if (lock_is_named(writer->lock, writer->names.lock))
        return SHM_OK;
    enum shm_status status = lock_take(writer->names.lock, &lock, &holder);
    if (status == SHM_OK) {
        close(writer->lock);
        writer->lock = lock;
        snprintf(note, WRITER_NOTE_MAX, "%s had been removed: taken again", writer->names.lock);
    } else {
        snprintf(note, WRITER_NOTE_MAX, "%s was removed, and another fetcher has it now (pid %ld)",
                 writer->names.lock, (long)holder);
    }
    return status;
}

enum shm_status writer_tend(struct writer *writer, uint64_t now, char note[static WRITER_NOTE_MAX])
{
    note[0] = '\0';
    enum shm_status status = keep_lock(writer, note);
    if (status != SHM_OK)
        return status;
    take_lookups(writer, &writer->now.control);
    for (int i = 0; i < DRAINING_MAX; i++) {
        struct draining *draining = &writer->draining[i];
        if (!draining->region.s_base)
            continue;
        take_lookups(writer, &draining->control);
        if (now >= draining->until)
            drop_draining(draining);
    }
    const struct arena *arena = &writer->now.publisher.arena;
    writer_gauge(writer, COUNTER_units_live, arena->live);
    writer_gauge(writer, COUNTER_units_retired, arena->waiting);

    if (region_is_named(&writer->now.routes_region, writer->names.routes) &&
        region_is_named(&writer->now.control_region, writer->names.control))
        return SHM_OK;
    status = remake(writer, now, note);
    if (status == SHM_OK)
        snprintf(note, WRITER_NOTE_MAX, "%s or its control object had been removed or replaced: made anew",
                 writer->names.routes);
    return status;
}

/* ---- start and stop ---- */

/* Objects of this name that the fetcher may replace: absent, or its own. Anything else is somebody's trap. */
static enum shm_status open_own(const char *name, mode_t unsafe_mode, struct region *out,
                                char note[static WRITER_NOTE_MAX])
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = unsafe_mode};
    enum shm_status status = region_open(name, true, &self, 0, out);
    switch (status) {
    case SHM_OK:
    case SHM_NO_OBJECT:
        return SHM_OK;
    case SHM_FOREIGN:
    case SHM_NO_PERMISSION:
        snprintf(note, WRITER_NOTE_MAX,
                 "%s is not ours: it belongs to another user or is no regular object; remove /dev/shm%s, or "
                 "run as its owner",
                 name, name);
        return SHM_FOREIGN;
    case SHM_UNSAFE:
        snprintf(note, WRITER_NOTE_MAX, "%s can be written by others: remove /dev/shm%s", name, name);
        return status;
    default:
        snprintf(note, WRITER_NOTE_MAX, "cannot open %s: %s", name, strerror(errno));
        return status;
    }
}

static enum shm_status take_names(struct writer *writer, const char *instance,
                                  char note[static WRITER_NOTE_MAX])
{
    pid_t holder = 0;
    enum shm_status status = object_names(instance, &writer->names);
    if (status != SHM_OK) {
        snprintf(note, WRITER_NOTE_MAX, "\"%s\" is no instance name: use 1 to %d letters, digits, '-' or '_'",
                 instance, INSTANCE_MAX);
        return status;
    }
    status = lock_take(writer->names.lock, &writer->lock, &holder);
    if (status == SHM_RUNNING)
        snprintf(note, WRITER_NOTE_MAX, "a fetcher for instance \"%s\" is already running (pid %ld)",
                 instance, (long)holder);
    else if (status == SHM_SYSTEM_ERROR)
        snprintf(note, WRITER_NOTE_MAX, "cannot lock %s: %s", writer->names.lock, strerror(errno));
    else if (status != SHM_OK)
        snprintf(note, WRITER_NOTE_MAX, "%s is not ours alone: remove /dev/shm%s", writer->names.lock,
                 writer->names.lock);
    if (status != SHM_OK)
        return status;
    status = generation_sweep(&writer->names);
    if (status != SHM_OK)
        snprintf(note, WRITER_NOTE_MAX, "cannot remove %s, the leftover of a fetcher that died: %s",
                 writer->names.next_routes, strerror(errno));
    return status;
}

/* How much a generation needs that takes over `source`. Damaged slots count for nothing. */
static void plan_adoption(const struct writer *writer, const struct routes *source,
                          struct generation_plan *plan)
{
    uint64_t keys = 0, units = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(source); slot++) {
        uint64_t word = load_acquire(&routes_slot(source, slot)->key);
        struct table table;
        if (word == 0 || table_begin(source, slot, key_word(word), &table) != SHM_OK)
            continue;
        keys++;
        units += block_units(table.count);
    }
    plan_size(writer, keys, units, 0, plan);
    if (plan->arena_units < units) /* max_bytes was lowered: published routes are kept all the same */
        plan->arena_units = (uint32_t)units;
}

/* A header that readers may be looking at: `superseded` has the same place in every layout. */
static struct routes_header *replaced_header(const struct region *old)
{
    struct routes_header *s_header = old->s_base;
    return s_header && old->size >= HEADER_BYTES && s_header->id.magic == ROUTES_MAGIC ? s_header : NULL;
}

/* Clients of the generation before still count into its control object, and no fetcher took what is in there. */
static void drain_adopted(struct writer *writer, const struct routes *source, struct region *old_control)
{
    struct draining *draining = &writer->draining[0];
    if (!old_control->s_base || control_attach(old_control, routes_slot_count(source), source->generation,
                                               &draining->control) != SHM_OK)
        return;
    draining->region = *old_control;
    draining->until = clock_tick() + DRAIN_MS;
    take_lookups(writer, &draining->control);
    *old_control = (struct region){0};
}

/* Shows the first generation. An object of ours that makes sense, being served now, becomes its source. */
static enum shm_status adopt(struct writer *writer, const struct region *old, struct region *old_control,
                             const struct writer_options *options, char note[static WRITER_NOTE_MAX])
{
    struct routes source;
    uint32_t damaged = 0;
    enum shm_status readable = old->s_base ? routes_attach(old, &source) : SHM_NO_OBJECT;
    struct generation_plan plan = plan_from(writer, readable == SHM_OK ? &source : NULL, clock_tick());
    plan.same_writer = false;
    if (plan.source)
        plan_adoption(writer, plan.source, &plan);
    else
        plan_size(writer, 0, 0, 0, &plan);
    enum shm_status status = move(writer, &plan, replaced_header(old), options, &damaged, note);
    if (status != SHM_OK)
        return status;
    if (plan.source) {
        drain_adopted(writer, plan.source, old_control);
        snprintf(note, WRITER_NOTE_MAX, "adopted %llu routes of generation %llu%s",
                 (unsigned long long)writer_counter(writer, COUNTER_routes),
                 (unsigned long long)source.generation, damaged ? "; damaged ones were left out" : "");
    } else if (old->s_base)
        snprintf(note, WRITER_NOTE_MAX, "replaced %s, which %s", writer->names.routes,
                 readable == SHM_LAYOUT ? "had another layout" : "was damaged");
    return SHM_OK;
}

static gid_t group_of(const char *name)
{
    const struct group *group = *name ? getgrnam(name) : NULL;
    return group ? group->gr_gid : (gid_t)-1;
}

enum shm_status writer_open(struct writer **out, const struct writer_options *options,
                            char note[static WRITER_NOTE_MAX])
{
    note[0] = '\0';
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer) {
        snprintf(note, WRITER_NOTE_MAX, "out of memory");
        return SHM_SYSTEM_ERROR;
    }
    writer->lock = -1;
    writer->max_bytes = options->max_bytes;
    writer->grace_ms = options->grace_ms;
    writer->max_unknown = options->max_unknown;
    writer->group = group_of(options->group);
    snprintf(writer->directory, DIRECTORY_NAME, "%s", options->directory);

    struct region old_routes = {0}, old_control = {0};
    enum shm_status status = take_names(writer, options->instance, note);
    if (status == SHM_OK)
        status = open_own(writer->names.routes, 0022, &old_routes, note);
    if (status == SHM_OK)
        status = open_own(writer->names.control, 0002, &old_control, note);
    if (status == SHM_OK)
        status = adopt(writer, &old_routes, &old_control, options, note);
    region_close(&old_routes);
    region_close(&old_control);
    if (status == SHM_OK)
        *out = writer;
    else
        writer_close(writer);
    return status;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->now.routes_region.s_base) {
        take_lookups(writer, &writer->now.control);
        store_relaxed(&writer_header(writer)->connection, CONNECTION_NONE);
        store_relaxed(&writer_header(writer)->fetcher_since, clock_unix_ms());
        store_relaxed(&writer_header(writer)->fetcher_state, FETCHER_STOPPED);
    }
    for (int i = 0; i < DRAINING_MAX; i++)
        drop_draining(&writer->draining[i]);
    generation_close(&writer->now);
    if (writer->lock >= 0)
        close(writer->lock);
    free(writer);
}
