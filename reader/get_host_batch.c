/* SPDX-License-Identifier: MIT */
/*
 * Many lookups in one read section, in three stages: the bucket of a route is prefetched, then its table, then a host is picked.
 * While some routes go through a stage, those behind them are in the stage before, so their waits for memory overlap: these are
 * most of what a lookup costs where there are many routes.
 */
#include "reader/get_host.h"

enum {
    PART = 128, /* routes in a section: the thread that unmaps what was replaced waits for it */
    STEP = 8    /* routes that go through a stage together */
};

/* What is known of a route so far. */
struct known {
    uint64_t number;
    const struct slot *s_home;
    uint64_t ref;
};

/* What is the same for all routes of a part. */
struct part {
    struct mapping *mapping;
    uint64_t tick;
    struct cursors *cursors;
    uint32_t start, lookups; /* of the thread, when the part began */
    struct known known[PART];
};

static inline void fetch_buckets(struct part *part, const larshm_host *hosts, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        struct route_key key = route_key(hosts[i].modid, hosts[i].cmdid);
        part->known[i].number = route_key_number(key);
        part->known[i].s_home = index_home(&part->mapping->routes, key);
        __builtin_prefetch(part->known[i].s_home);
    }
}

static inline void fetch_tables(struct part *part, size_t begin, size_t end)
{
    const struct routes *routes = &part->mapping->routes;
    for (size_t i = begin; i < end; i++) {
        struct known *known = &part->known[i];
        known->ref = lookup_fast_ref(routes, known->s_home, get_host_key(known->number));
        lookup_fast_fetch(routes, known->ref);
    }
}

/* As in larshm_get_host(). */
static inline int answer(const struct part *part, size_t i, larshm_host *host)
{
    const struct known *known = &part->known[i];
    struct fast_table table;
    if (!lookup_fast_at(&part->mapping->routes, get_host_key(known->number), known->ref, &table))
        return get_host_other(part->mapping, known->number, NULL, 0, host);
    uint64_t count;
    if (!fast_table_common(&table, part->tick, &count))
        return get_host_other(part->mapping, known->number, table.s_block, table.ref, host);
    uint32_t position = part->start + cursor_move(cursor_pair(part->cursors, table.s_block), table.s_block,
                                                  count, part->lookups + (uint32_t)i);
    const struct host_addr picked = fast_table_host(&table, count, cursor_host(position, count));
    if (!block_intact(table.s_block, table.ref))
        return get_host_other(part->mapping, known->number, NULL, 0, host);
    host->addr = picked.address;
    host->port = picked.port;
    return LARSHM_OK;
}

struct sums {
    uint32_t found; /* LARSHM_OK */
    uint32_t slow;  /* GET_HOST_SLOW */
};

static inline void answer_step(const struct part *part, larshm_host *hosts, int *codes, size_t begin,
                               size_t end, struct sums *sums)
{
    for (size_t i = begin; i < end; i++) {
        codes[i] = answer(part, i, &hosts[i]);
        sums->found += codes[i] == LARSHM_OK;
        sums->slow += codes[i] == GET_HOST_SLOW;
    }
}

static inline size_t step_end(size_t begin, size_t count)
{
    return begin + STEP < count ? begin + STEP : count;
}

/* In a section. */
static struct sums answer_part(struct mapping *mapping, larshm_host *hosts, int *codes, size_t count)
{
    struct thread_state *mine = &thread_state;
    struct sums sums = {0, 0};
    struct part part;
    part.mapping = mapping;
    part.tick = load_relaxed(&mapping->routes.s_header->tick);
    part.cursors = mine->cursors;
    part.start = mine->start;
    part.lookups = mine->lookups;
    for (size_t at = 0; at < count + 2 * STEP; at += STEP) {
        fetch_buckets(&part, hosts, at, step_end(at, count));
        if (at >= STEP)
            fetch_tables(&part, at - STEP, step_end(at - STEP, count));
        if (at >= 2 * STEP)
            answer_step(&part, hosts, codes, at - 2 * STEP, step_end(at - 2 * STEP, count), &sums);
    }
    mine->lookups += (uint32_t)count - sums.slow;
    return sums;
}

/*
 * Answers as many routes as a section takes, but no more than are left of the thread's batch of lookups. All of them have a code
 * then, GET_HOST_SLOW too. Returns how many; 0: the first one takes the slow path.
 */
static size_t begin_part(larshm *h, larshm_host *hosts, int *codes, size_t count, struct sums *sums)
{
    struct thread_state *mine = &thread_state;
    struct urcu_bp_reader *section = get_host_enter(h, mine);
    if (!section)
        return 0;
    size_t most = COUNT_BATCH - 1 - mine->lookups;
    most = most < PART ? most : PART;
    count = count < most ? count : most;
    /* Pairs with mapping_renew(). */
    struct mapping *mapping = load_acquire(&h->current);
    bool current = get_host_current(&mapping->routes);
    if (current)
        *sums = answer_part(mapping, hosts, codes, count);
    rcu_leave_fast(section);
    return current ? count : 0;
}

size_t larshm_get_host_batch(larshm *h, larshm_host *hosts, int *codes, size_t count)
{
    size_t found = 0;
    while (count > 0) {
        struct sums sums = {0, 0};
        size_t done = begin_part(h, hosts, codes, count, &sums);
        if (done == 0) {
            codes[0] = GET_HOST_SLOW;
            done = sums.slow = 1;
        }
        for (size_t i = 0; sums.slow > 0 && i < done; i++)
            if (codes[i] == GET_HOST_SLOW) {
                codes[i] = get_host_slow(h, route_key_number(route_key(hosts[i].modid, hosts[i].cmdid)), NULL,
                                         0, &hosts[i]);
                sums.found += codes[i] == LARSHM_OK;
            }
        found += sums.found;
        hosts += done;
        codes += done;
        count -= done;
    }
    return found;
}

/* The name of 0.1. */
size_t larshm_get_hosts(larshm *h, larshm_host *hosts, int *codes, size_t count)
    __attribute__((alias("larshm_get_host_batch")));
