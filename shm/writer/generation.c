/* SPDX-License-Identifier: MIT */
#include "shm/writer/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/doorbell.h"
#include "shm/index.h"
#include "shm/object_id.h"
#include "shm/writer/adopted_table.h"

enum {
    MODE_ROUTES = 0644,
    MODE_CONTROL = 0660
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

/* Plain stores: the object has no name yet, the rename publishes them. */
static enum shm_status format(const struct region *region, const struct generation_plan *plan)
{
    struct routes_header *s_header = region->s_base;
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return SHM_SYSTEM_ERROR;
    object_id_format(&s_header->id, ROUTES_MAGIC, region, next_number(plan->source));
    store_relaxed(&s_header->control, s_header->id.generation);
    s_header->bucket_count = plan->bucket_count;
    s_header->arena_units = plan->arena_units;
    s_header->call_cells = plan->call_cells;
    s_header->index_offset = routes_index_offset();
    s_header->arena_offset = routes_arena_offset(plan->bucket_count);
    s_header->hash_seed = seed;
    snprintf(s_header->directory, DIRECTORY_NAME, "%s", plan->directory);
    return SHM_OK;
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
    const struct settings settings = settings_read(&s_from->settings);
    settings_publish(&s_to->settings, &settings);
    for (int i = 0; i < COUNTER_COUNT; i++)
        store_relaxed(&s_to->counters[i], load_relaxed(&s_from->counters[i]));
}

/* The requests of the fetcher before have died with it: no table is PULLING. A fetch in the future is one by
 * another clock, that of another boot, or of another time namespace: the age of the table is unknown, so it is
 * expired. */
static uint64_t adopted_expiry(const struct table *table, uint64_t now)
{
    return table_fetched(table) > now ? now : table->expires & ~EXPIRES_PULLING;
}

static enum shm_status put_replacement(struct publisher *publisher, const struct replacement *newer,
                                       const struct table *old)
{
    struct publication table = newer->table;
    uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, table.key, &empty);
    table.marks = load_relaxed(&old->s_block->marks);
    if (slot != SLOT_NONE)
        return SHM_CORRUPT;
    return publisher_put(publisher, &slot, empty, &table, newer->answered) == PUT_PUBLISHED ? SHM_OK
                                                                                            : SHM_FULL;
}

/* Imports every valid route, and sets the gauges that count them. */
static enum shm_status import_tables(struct publisher *publisher, const struct generation_plan *plan,
                                     uint32_t *damaged)
{
    const struct routes *source = plan->source;
    _Atomic uint64_t states[STATE_WORDS(HOSTS_MAX)]; /* of a released table */
    struct host_addr *scratch = malloc(HOSTS_MAX * sizeof(*scratch));
    if (!scratch)
        return SHM_SYSTEM_ERROR;
    enum shm_status status = SHM_OK;
    bool renumber = load_relaxed(&source->s_header->version) > VERSION_MAX / 2;
    uint64_t routes = 0, negative = 0, last = load_relaxed(&source->s_header->version);
    uint32_t next = 0; /* of the replacements */
    /* Versions of one object are all drawn from one counter: replacements get new ones, behind all that are
     * imported. */
    if (!renumber && last <= VERSION_MAX)
        publisher->version = last;
    for (uint32_t slot = 0; slot < routes_slot_count(source) && status == SHM_OK; slot++) {
        uint64_t ahead = index_fetch_ahead(source, slot),
                 word = load_acquire(&routes_slot(source, slot)->key);
        if (ahead) /* and its destination */
            __builtin_prefetch(index_home(&publisher->routes, route_key_from_word(ahead)), 1);
        if (word == 0)
            continue;
        struct table table;
        /* Of a key that damage has put into two slots, readers are served the one that a search finds. */
        if (index_find(source, route_key_from_word(word)) != slot ||
            adopted_table(source, slot, route_key_from_word(word), states, &table) != SHM_OK) {
            ++*damaged;
            continue;
        }
        if (!plan->same_writer)
            table.expires = adopted_expiry(&table, plan->now);
        bool replaced = next < plan->replacement_count && plan->replacements[next].slot == slot;
        if (!replaced && table.count == 0 && table.expires < plan->now)
            continue;
        if (replaced) {
            status = put_replacement(publisher, &plan->replacements[next], &table);
            table.count = plan->replacements[next++].table.count;
        } else {
            status = publisher_import(publisher, &table, route_key_from_word(word), renumber, scratch);
        }
        if (status == SHM_CORRUPT) {
            ++*damaged;
            status = SHM_OK;
            continue;
        }
        *(table.count ? &routes : &negative) += 1;
    }
    free(scratch);
    struct routes_header *s_header = publisher->routes.s_header;
    store_relaxed(&s_header->version, publisher->version);
    store_relaxed(&s_header->counters[COUNTER_routes], routes);
    store_relaxed(&s_header->counters[COUNTER_negative], negative);
    return status;
}

static enum shm_status build_routes(const struct object_names *names, const struct generation_plan *plan,
                                    struct generation *out, uint32_t *damaged)
{
    enum shm_status status =
        region_create(names->next_routes, routes_size(plan->bucket_count, plan->arena_units), MODE_ROUTES,
                      (gid_t)-1, &out->routes_region);
    if (status == SHM_OK)
        status = format(&out->routes_region, plan);
    struct routes routes;
    if (status == SHM_OK)
        status = routes_attach(&out->routes_region, &routes);
    if (status != SHM_OK)
        return status;
    publisher_init(&out->publisher, &routes, 0, plan->grace_ms);
    if (plan->source) {
        region_expect_stores(&out->routes_region);
        copy_header(routes.s_header, plan->source->s_header);
        if (plan->same_writer) {
            store_relaxed(&routes.s_header->refusing, load_relaxed(&plan->source->s_header->refusing));
            store_relaxed(&routes.s_header->hosts_full, load_relaxed(&plan->source->s_header->hosts_full));
        }
        status = import_tables(&out->publisher, plan, damaged);
    }
    _Atomic uint64_t *s_made = &routes.s_header->counters[COUNTER_generations];
    store_relaxed(s_made, load_relaxed(s_made) + 1);
    return status;
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

enum shm_status generation_build(const struct object_names *names, const struct generation_plan *plan,
                                 struct generation *out, uint32_t *damaged)
{
    struct generation built = {0};
    enum shm_status status = build_routes(names, plan, &built, damaged);
    if (status == SHM_OK)
        status = build_control(names, &built.publisher.routes, built.publisher.routes.generation,
                               plan->control_group, &built);
    if (status == SHM_OK) {
        *out = built;
        return SHM_OK;
    }
    int saved = errno;
    if (built.routes_region.s_base)
        region_unlink(names->next_routes);
    if (built.control_region.s_base)
        region_unlink(names->next_control);
    generation_close(&built);
    errno = saved;
    return status;
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
        doorbell_ring(s_replaced);
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
    doorbell_ring(s_header);
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
