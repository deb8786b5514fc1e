/* SPDX-License-Identifier: MIT */
#include "tools/bench/reader.h"

#include "shm/clock.h"

static bool look_host(void *reader, uint32_t route, larshm_host *out)
{
    return larshm_get_host(reader, world_modid(route), world_cmdid(route), out) == LARSHM_OK;
}

static bool look_view(void *reader, uint32_t route, larshm_host *out)
{
    larshm_view view;
    uint32_t modid = world_modid(route), cmdid = world_cmdid(route);
    if (larshm_route_begin(reader, modid, cmdid, &view) != LARSHM_OK)
        return false;
    size_t at = view.count - 1;
    *out = (larshm_host){modid, cmdid, view.addr[at], view.port[at]};
    return larshm_route_end(reader, &view) == LARSHM_OK;
}

bool get_host_check(void *walk)
{
    return walk_check(walk, look_host, ((struct walk *)walk)->world->reader);
}

bool get_host_run(void *walk, uint32_t calls)
{
    return walk_run(walk, calls, look_host, ((struct walk *)walk)->world->reader);
}

/* The next BATCH_ROUTES routes of the order. */
static size_t look_many(struct walk *walk, larshm_host hosts[static BATCH_ROUTES])
{
    int codes[BATCH_ROUTES];
    for (int i = 0; i < BATCH_ROUTES; i++) {
        uint32_t route = walk->world->order[walk->at++ & ORDER_MASK];
        hosts[i].modid = world_modid(route);
        hosts[i].cmdid = world_cmdid(route);
    }
    return larshm_get_hosts(walk->world->reader, hosts, codes, BATCH_ROUTES);
}

bool get_hosts_check(void *context)
{
    struct walk walk = *(const struct walk *)context;
    larshm_host hosts[BATCH_ROUTES];
    for (uint32_t i = 0; i < ORDER_LENGTH; i += BATCH_ROUTES) {
        uint32_t at = walk.at;
        if (look_many(&walk, hosts) != BATCH_ROUTES)
            return false;
        for (uint32_t k = 0; k < BATCH_ROUTES; k++)
            if (!world_owns(walk.world->order[(at + k) & ORDER_MASK], walk.world->shape.hosts, &hosts[k]))
                return false;
    }
    return true;
}

bool get_hosts_run(void *context, uint32_t calls)
{
    struct walk *walk = context;
    larshm_host hosts[BATCH_ROUTES];
    bool found = true;
    for (uint32_t i = 0; i < calls && found; i += BATCH_ROUTES) {
        found = look_many(walk, hosts) == BATCH_ROUTES;
        for (int k = 0; k < BATCH_ROUTES; k++)
            walk->sum += hosts[k].addr + hosts[k].port;
    }
    return found;
}

bool view_check(void *walk)
{
    return walk_check(walk, look_view, ((struct walk *)walk)->world->reader);
}

bool view_run(void *walk, uint32_t calls)
{
    return walk_run(walk, calls, look_view, ((struct walk *)walk)->world->reader);
}

void reader_settle(void *walk)
{
    writer_heartbeat(((struct walk *)walk)->world->writer, clock_tick());
}
