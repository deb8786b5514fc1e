/* SPDX-License-Identifier: MIT */
#include "shm/writer/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/directory_name.h"
#include "shm/doorbell.h"
#include "shm/index.h"
#include "shm/latency.h"
#include "shm/object_id.h"
#include "shm/top_routes.h"
#include "shm/writer/changes.h"

enum {
    MODE_ROUTES = 0644,
    MODE_CONTROL = 0660,
    WORK_BYTES = 256 /* to allocate so many takes as long as to copy a unit */
};

static uint64_t number_after(uint64_t last)
{
    uint64_t number = clock_unix_ms();
    return number <= last ? last + 1 : number;
}

/* Larger than that of the source, and of all control objects that it has had. */
static uint64_t next_number(const struct routes *source)
{
    if (!source)
        return number_after(0);
    uint64_t control = control_number(source->s_header);
    return number_after(control > source->generation ? control : source->generation);
}

/* Plain stores: the object has no name yet, the rename publishes them. Its number comes last: finish_header(). */
static enum shm_status format(const struct region *region, const struct generation_plan *plan)
{
    struct routes_header *s_header = region->s_base;
    uint64_t random[2];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return SHM_SYSTEM_ERROR;
    object_id_format(&s_header->id, ROUTES_MAGIC, region, 0);
    routes_lay_out(s_header, plan->bucket_count, plan->arena_units, plan->call_cells);
    s_header->hash_seed = random[0];
    changes_start(s_header, random[1]);
    return SHM_OK;
}

static void copy_top_routes(struct routes_header *s_to, const struct routes_header *s_from)
{
    struct route_use routes[TOP_ROUTES];
    top_routes_write(s_to, routes, top_routes_read(s_from, routes));
}

static void copy_header(struct routes_header *s_to, const struct routes_header *s_from)
{
    store_relaxed(&s_to->tick, load_relaxed(&s_from->tick));
    store_relaxed(&s_to->fetcher_pid, load_relaxed(&s_from->fetcher_pid));
    store_relaxed(&s_to->fetcher_state, load_relaxed(&s_from->fetcher_state));
    store_relaxed(&s_to->fetcher_since, load_relaxed(&s_from->fetcher_since));
    store_relaxed(&s_to->connection, load_relaxed(&s_from->connection));
    store_relaxed(&s_to->connection_tick, load_relaxed(&s_from->connection_tick));
    store_relaxed(&s_to->max_bytes, load_relaxed(&s_from->max_bytes));
    s_to->snapshot_time = s_from->snapshot_time;
    s_to->snapshot_tick = s_from->snapshot_tick;
    if (s_from->id.layout_version == LAYOUT_VERSION) {
        char directory[DIRECTORY_NAME];
        store_relaxed(&s_to->data_version, load_relaxed(&s_from->data_version));
        store_relaxed(&s_to->snapshot_written, load_relaxed(&s_from->snapshot_written));
        memcpy(s_to->snapshot, s_from->snapshot, SNAPSHOT_TEXT);
        s_to->snapshot_off = s_from->snapshot_off;
        latency_copy(s_to, s_from);
        copy_top_routes(s_to, s_from);
        directory_name_read(s_from, directory);
        directory_name_write(s_to, directory);
    }
    const struct settings settings = settings_read(&s_from->settings);
    settings_publish(&s_to->settings, &settings);
    for (int i = 0; i < COUNTER_COUNT; i++)
        store_relaxed(&s_to->counters[i], load_relaxed(&s_from->counters[i]));
}

static enum shm_status build_control(const struct object_names *names, const struct routes *routes,
                                     uint64_t number, gid_t group, struct generation *out)
{
    struct control_shape shape = control_shape(routes);
    struct control control;
    enum shm_status status =
        region_create(names->next_control, control_size(shape), MODE_CONTROL, group, &out->control_region);
    if (status != SHM_OK)
        return status;
    control_format(&out->control_region, shape, number);
    status = control_attach(&out->control_region, shape, number, &control);
    if (status == SHM_OK)
        out->stats = (struct call_stats){.control = control, .number = number};
    return status;
}

enum shm_status generation_begin(const struct object_names *names, const struct generation_plan *plan,
                                 struct generation_draft *out)
{
    *out = (struct generation_draft){.under_way = true, .plan = *plan};
    enum shm_status status = region_begin(
        names->next_routes, routes_size(plan->bucket_count, plan->arena_units), (gid_t)-1, &out->object);
    if (status == SHM_OK)
        status = copying_begin(&out->copying, &plan->copying);
    if (status != SHM_OK)
        generation_abandon(names, out);
    return status;
}

static enum shm_status begin_publisher(struct generation_draft *draft)
{
    struct routes routes;
    enum shm_status status = format(&draft->object.region, &draft->plan);
    if (status == SHM_OK)
        status = routes_attach(&draft->object.region, &routes);
    if (status == SHM_OK)
        publisher_init(&draft->publisher, &routes, 0, draft->plan.grace_ms);
    if (status == SHM_OK && draft->plan.copying.uses) /* without memory they begin again */
        draft->publisher.uses = calloc(routes_slot_count(&routes), sizeof(uint32_t));
    return status;
}

/* Takes what it does off *work. */
static enum shm_status allocate(struct generation_draft *draft, uint64_t *work)
{
    struct region_draft *object = &draft->object;
    size_t left = object->region.size - object->allocated,
           bytes = *work < left / WORK_BYTES ? (size_t)*work * WORK_BYTES : left;
    *work -= bytes / WORK_BYTES;
    bool filled = draft->plan.copying.source || draft->plan.restored;
    enum shm_status status =
        filled ? region_allocate_for_stores(object, bytes) : region_allocate(object, bytes);
    return status == SHM_OK && bytes == left ? begin_publisher(draft) : status;
}

/* All at once: no fetcher serves anything yet. */
static void restore_tables(struct generation_draft *draft)
{
    const struct route_source *restored = draft->plan.restored;
    struct publisher *publisher = &draft->publisher;
    struct restored_route route;
    while (restored->next(restored->context, &route)) {
        const struct publication table = {.key = route.key,
                                          .hosts = route.hosts,
                                          .states = route.states,
                                          .count = route.count,
                                          .ttl_s = route.ttl_s};
        uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, route.key, &empty);
        bool fits = publisher->arena.live + block_units(route.count) <= draft->plan.restored_units;
        if (slot != SLOT_NONE || !fits ||
            publisher_put(publisher, &slot, empty, &table, route.fetched) != PUT_PUBLISHED)
            draft->left_out++;
    }
    struct routes_header *s_header = publisher->routes.s_header;
    s_header->snapshot_time = draft->plan.extent.time;
    s_header->snapshot_tick = draft->plan.copying.now;
    store_relaxed(&s_header->data_version, draft->plan.extent.data_version);
    store_relaxed(&s_header->snapshot_written, draft->plan.extent.time);
}

enum shm_status generation_continue(struct generation_draft *draft, uint64_t work, bool *complete)
{
    enum shm_status status = SHM_OK;
    if (draft->object.allocated < draft->object.region.size)
        status = allocate(draft, &work);
    bool allocated = draft->object.allocated == draft->object.region.size;
    if (status == SHM_OK && allocated)
        status = copying_continue(&draft->copying, &draft->publisher, work);
    *complete = allocated && draft->copying.due.count == 0;
    if (status == SHM_OK && *complete && draft->plan.restored)
        restore_tables(draft);
    return status;
}

/* What replaces a table of the source has changed; what the draft was filled with otherwise has not. */
static void carry_changes(const struct copying_plan *plan, const struct routes *routes)
{
    if (!plan->source)
        return;
    changes_carry(routes, plan->source, !plan->same_writer);
    for (uint32_t i = 0; i < plan->replacement_count; i++) {
        changes_begin(routes, plan->replacements[i].table.key);
        changes_end(routes);
    }
}

/* In place of the header that the draft began with: its number is larger than that of each control object made meanwhile. */
static void finish_header(struct generation_draft *draft)
{
    const struct copying_plan *plan = &draft->plan.copying;
    struct publisher *publisher = &draft->publisher;
    struct routes_header *s_header = publisher->routes.s_header;
    publisher->routes.generation = s_header->id.generation = next_number(plan->source);
    store_relaxed(&s_header->control, s_header->id.generation);
    if (plan->source)
        copy_header(s_header, plan->source->s_header);
    if (plan->source && plan->same_writer) {
        store_relaxed(&s_header->refusing, load_relaxed(&plan->source->s_header->refusing));
        store_relaxed(&s_header->hosts_full, load_relaxed(&plan->source->s_header->hosts_full));
    }
    copying_finish(&draft->copying, publisher);
    carry_changes(plan, &publisher->routes);
    _Atomic uint64_t *s_counters = s_header->counters;
    store_relaxed(&s_header->version, publisher->version);
    store_relaxed(&s_counters[COUNTER_routes], publisher->keys - publisher->negative);
    store_relaxed(&s_counters[COUNTER_negative], publisher->negative);
    store_relaxed(&s_counters[COUNTER_generations], load_relaxed(&s_counters[COUNTER_generations]) + 1);
}

enum shm_status generation_finish(const struct object_names *names, struct generation_draft *draft,
                                  struct generation *out)
{
    struct generation built = {0};
    finish_header(draft);
    enum shm_status status =
        build_control(names, &draft->publisher.routes, draft->publisher.routes.generation,
                      draft->plan.control_group, &built);
    if (status == SHM_OK)
        status = region_end(&draft->object, MODE_ROUTES, &built.routes_region);
    if (status != SHM_OK) {
        int saved = errno;
        if (built.control_region.s_base)
            region_unlink(names->next_control);
        region_close(&built.control_region);
        errno = saved;
        return status;
    }
    built.publisher = draft->publisher;
    draft->publisher = (struct publisher){0};
    *out = built;
    generation_abandon(names, draft);
    return SHM_OK;
}

void generation_abandon(const struct object_names *names, struct generation_draft *draft)
{
    region_abandon(&draft->object, names->next_routes);
    publisher_free(&draft->publisher);
    copying_free(&draft->copying);
    *draft = (struct generation_draft){0};
}

/*
 * H1 to H5. SUPERSEDED_SOON comes before the new names: a fetcher that dies after a rename leaves no readers on an
 * object that has lost its name and announces no successor. SUPERSEDED_YES comes after them, and before every
 * publish in the new generation: a reader that does not see it is not behind any publish that is done (G3). Both
 * are released, and pair with the acquire in lookup_enter(): a reader that sees YES finds the new names. Control is
 * renamed first, so that a process that opens the new routes object finds its partner.
 *
 * If a rename fails nothing newer comes: SUPERSEDED_NO again, or readers would look for it forever. A control
 * object whose partner got no name is removed.
 */
enum shm_status generation_install(const struct object_names *names, struct routes_header *s_replaced)
{
    if (s_replaced)
        store_release(&s_replaced->superseded, SUPERSEDED_SOON);
    enum shm_status status = region_rename(names->next_control, names->control);
    if (status == SHM_OK) {
        status = region_rename(names->next_routes, names->routes);
        int saved = errno;
        if (status != SHM_OK)
            region_unlink(names->control);
        errno = saved;
    }
    if (s_replaced)
        store_release(&s_replaced->superseded, status == SHM_OK ? SUPERSEDED_YES : SUPERSEDED_NO);
    if (s_replaced && status == SHM_OK)
        doorbell_ring(s_replaced, DOORBELL_ANSWERS | DOORBELL_CHANGES);
    return status;
}

/* The number that clients have seen already, if generation_leave_control() has set one, which no object has had; or
 * a new one. */
static uint64_t next_control(const struct generation *now)
{
    uint64_t number = control_number(now->publisher.routes.s_header);
    return number == now->stats.number ? number_after(number) : number;
}

/* C1. A client that reads it finds no object of this number yet, and does without. Nothing is ordered by it. */
void generation_leave_control(struct generation *now)
{
    store_release(&now->publisher.routes.s_header->control, next_control(now));
}

/* C2 to C4. Readers have left an object that was truncated, since it could kill them. One that is whole stays in use
 * until the other has its name. */
enum shm_status generation_renew_control(const struct object_names *names, gid_t group,
                                         struct generation *now, struct generation *replaced)
{
    struct routes_header *s_header = now->publisher.routes.s_header;
    struct generation built = {0};
    uint64_t number = next_control(now);
    enum shm_status status = build_control(names, &now->publisher.routes, number, group, &built);
    if (status == SHM_OK)
        status = region_rename(names->next_control, names->control);
    if (status != SHM_OK) {
        int saved = errno;
        if (built.control_region.s_base)
            region_unlink(names->next_control);
        region_close(&built.control_region);
        errno = saved;
        return status;
    }
    *replaced = (struct generation){.control_region = now->control_region, .stats = now->stats};
    now->control_region = built.control_region;
    now->stats = built.stats;
    /* C3. Pairs with the acquire in control_number(): a client that reads the number and then looks at the name
     * finds the object that was renamed before. Without it the old one could be found once more, and mapped for
     * another 100 ms. */
    store_release(&s_header->control, number);
    doorbell_ring(s_header, DOORBELL_ANSWERS);
    return SHM_OK;
}

enum shm_status generation_sweep(const struct object_names *names)
{
    const char *const leftovers[] = {names->next_routes, names->next_control, names->next_hosts};
    for (int i = 0; i < 3; i++)
        if (!region_unlink(leftovers[i]) && errno != ENOENT)
            return errno == EPERM || errno == EACCES ? SHM_FOREIGN : SHM_SYSTEM_ERROR;
    return SHM_OK;
}

void generation_close(struct generation *generation)
{
    publisher_free(&generation->publisher);
    region_close(&generation->routes_region);
    region_close(&generation->control_region);
    *generation = (struct generation){0};
}
