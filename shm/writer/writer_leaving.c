/* SPDX-License-Identifier: MIT */
/* Routes that leave the cache, and what decides that: when each was used last. */
#include <stdlib.h>

#include "shm/writer/writer_internal.h"

bool writer_leave(struct writer *writer, const struct route_ref *route)
{
    struct slot_set *leaving = &writer->leaving;
    if (writer->next.under_way || (!leaving->words && !slot_set_begin(leaving, writer_slot_count(writer))))
        return false;
    postponed_drop(&writer->postponed, route->key);
    if (!slot_set_has(leaving, route->slot)) {
        slot_set_add(leaving, route->slot);
        writer->leaving_units += block_units(route_ref_count(route));
    }
    return true;
}

bool writer_is_leaving(const struct writer *writer, uint32_t slot)
{
    return slot_set_has(&writer->leaving, slot);
}

/* The generation that is being built may have passed it over. */
void writer_stay(struct writer *writer, uint32_t slot)
{
    struct publisher *publisher = &writer->now.publisher;
    struct route_ref route;
    if (!writer_is_leaving(writer, slot))
        return;
    slot_set_remove(&writer->leaving, slot);
    if (writer_route_at(writer, slot, &route))
        writer->leaving_units -= block_units(route_ref_count(&route));
    if (publisher->changed)
        slot_set_add(publisher->changed, slot);
}

void writer_resize_leaving(struct writer *writer, uint32_t slot, uint32_t before, uint32_t after)
{
    if (writer_is_leaving(writer, slot))
        writer->leaving_units += (uint64_t)after - before;
}

uint64_t writer_leave_soon(struct writer *writer, uint64_t now)
{
    uint64_t due = writer_leaving_due(writer);
    writer->leaving_soon = true;
    return due > now ? due - now : 0;
}

bool writer_keep_uses(struct writer *writer, bool wanted)
{
    struct publisher *publisher = &writer->now.publisher;
    if (wanted == writer_has_uses(writer))
        return true;
    if (writer->next.under_way)
        return false;
    free(publisher->uses);
    publisher->uses = wanted ? calloc(writer_slot_count(writer), sizeof(*publisher->uses)) : NULL;
    return wanted == writer_has_uses(writer);
}

bool writer_has_uses(const struct writer *writer)
{
    return writer->now.publisher.uses;
}

uint32_t writer_use(const struct writer *writer, uint32_t slot)
{
    return writer->now.publisher.uses[slot];
}

void writer_set_use(struct writer *writer, uint32_t slot, uint32_t use)
{
    publisher_set_use(&writer->now.publisher, slot, use);
}

void writer_expire(struct writer *writer, const struct route_ref *route, uint64_t now)
{
    publisher_expire(&writer->now.publisher, route->slot, now);
}
