/* SPDX-License-Identifier: MIT */
#include "fetcher/unused.h"

enum {
    USE_MS = 100, /* a use is kept in such: they wrap after 13 years */
    USES_IN_SECOND = 1000 / USE_MS,
};

static uint32_t use_now(const struct unused *unused)
{
    return (uint32_t)(unused->clock_ms / USE_MS);
}

void unused_see(const struct unused *unused, struct writer *writer, uint32_t slot)
{
    if (writer_has_uses(writer))
        writer_set_use(writer, slot, use_now(unused));
}

/* Nothing was seen of the route for so many halves of the time-out. */
static bool is_quiet(const struct unused *unused, const struct writer *writer, uint32_t slot, uint32_t halves)
{
    uint32_t quiet = use_now(unused) - writer_use(writer, slot);
    return quiet >= unused->timeout_s * USES_IN_SECOND / 2 * halves;
}

void unused_keep_expired(const struct unused *unused, struct writer *writer, const struct route_ref *route,
                         uint64_t now)
{
    if (unused->timeout_s && writer_has_uses(writer) && is_quiet(unused, writer, route->slot, 1))
        writer_expire(writer, route, now);
}

/* All routes that are here count as used now. */
static bool begin_keeping(const struct unused *unused, struct writer *writer)
{
    if (!writer_keep_uses(writer, true))
        return false;
    for (uint32_t slot = 0; slot < writer_slot_count(writer); slot++)
        writer_set_use(writer, slot, use_now(unused));
    return true;
}

/* Seldom: of a million routes that wait to leave, a pass takes a tenth of a second. */
static uint64_t pass_ms(const struct unused *unused)
{
    uint64_t share = unused->timeout_s * UINT64_C(1000) / UNUSED_PASSES;
    return share > UNUSED_PASS_MS ? share : UNUSED_PASS_MS;
}

/* Slots of another generation mean nothing. A pass begins when all flags that were set before are collected. */
static bool begin_pass(struct unused *unused, const struct writer *writer, uint64_t collected, uint64_t now)
{
    bool under_way = unused->slot < writer_slot_count(writer);
    if (unused->generation == writer_generation(writer) && under_way)
        return true;
    if (collected != now || now < unused->began + pass_ms(unused))
        return false;
    unused->generation = writer_generation(writer);
    unused->began = now;
    unused->slot = 0;
    return true;
}

bool unused_poll(struct unused *unused, struct writer *writer, uint32_t timeout_s, uint64_t collected,
                 uint64_t now)
{
    uint64_t gap = unused->polled ? now - unused->polled : 0;
    unused->polled = now;
    unused->timeout_s = timeout_s;
    if (timeout_s == 0) {
        writer_keep_uses(writer, false);
        return false;
    }
    if (!writer_has_uses(writer) && !begin_keeping(unused, writer))
        return false;
    if (collected == 0)
        return false;
    unused->clock_ms += gap < UNUSED_GAP_MS ? gap : UNUSED_GAP_MS;
    if (!begin_pass(unused, writer, collected, now))
        return false;
    uint32_t left = writer_slot_count(writer) - unused->slot;
    unused->end = unused->slot + (left < UNUSED_SLOTS ? left : UNUSED_SLOTS);
    return true;
}

bool unused_next(struct unused *unused, struct writer *writer, struct route_ref *out)
{
    while (unused->slot < unused->end) {
        uint32_t slot = unused->slot++;
        if (!is_quiet(unused, writer, slot, 1) || !writer_route_at(writer, slot, out) ||
            route_ref_state(out) != ROUTE_NEW)
            continue;
        if (!route_ref_is_expired(out, unused->polled))
            writer_expire(writer, out, unused->polled);
        else if (is_quiet(unused, writer, slot, 2) && !writer_is_leaving(writer, slot))
            return true;
    }
    return false;
}
