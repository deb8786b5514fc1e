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
    writer_beat(((struct walk *)walk)->world->writer, clock_tick());
}
