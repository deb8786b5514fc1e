/* SPDX-License-Identifier: MIT */
/* What the writer does about once a second. */
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/writer/lock.h"
#include "shm/writer/writer_internal.h"

/* A lock that has lost its name keeps no other fetcher out: take it again, before another one does. */
static enum shm_status keep_lock(struct writer *writer)
{
    int lock = -1;
    pid_t holder = 0;
    if (lock_is_named(writer->lock, writer->names.lock))
        return SHM_OK;
    enum shm_status status = lock_take(writer->names.lock, &lock, &holder);
    if (status == SHM_OK) {
        close(writer->lock);
        writer->lock = lock;
        event_add(&writer->events, EVENT_LOCK_RETAKEN, writer->names.lock);
    } else if (status == SHM_RUNNING) {
        event_add(&writer->events, EVENT_LOCK_LOST, writer->names.lock)->number[0] = (uint64_t)holder;
    } else {
        event_add(&writer->events, EVENT_LOCK_GONE, writer->names.lock);
    }
    return status;
}

/* The reason for refusing new keys may be over. If it is not, the next refused key sets it again. */
static void clear_refusal(struct writer *writer, uint64_t now)
{
    uint32_t why = load_relaxed(&writer_header(writer)->refusing);
    if (why == REFUSING_NOTHING || (why == REFUSING_MAX_UNKNOWN && writer_unknown_full(writer, now)) ||
        (why == REFUSING_MAX_BYTES && !writer_may_grow_for_keys(writer)))
        return;
    store_relaxed(&writer_header(writer)->refusing, REFUSING_NOTHING); /* of another generation perhaps */
}

enum shm_status writer_maintain(struct writer *writer, uint64_t now)
{
    enum shm_status status = keep_lock(writer);
    if (status != SHM_OK)
        return status;
    writer_collect_lookups(writer, &writer->now.stats.control);
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if (!retired->region.s_base)
            continue;
        if (now >= retired->until)
            writer_end_retired(writer, retired);
        else
            writer_collect_lookups(writer, &retired->stats.control);
    }
    writer_publish_uses(writer);
    use_sums_fade(&writer->uses);
    region_close_part(&writer->left, LEAVE_BYTES);
    const struct arena *arena = &writer->now.publisher.arena;
    writer_gauge(writer, COUNTER_units_live, arena->live);
    writer_gauge(writer, COUNTER_units_retired, arena->waiting);
    writer_gauge(writer, COUNTER_postponed, writer->postponed.count);
    const struct replaced_held held = replaced_check(&writer->replaced, now);
    writer_gauge(writer, COUNTER_replaced_objects, held.objects);
    writer_gauge(writer, COUNTER_replaced_bytes, held.bytes);
    writer_gauge(writer, COUNTER_replaced_reached, writer_holders_full(writer, held));
    writer_drop_leaving(writer, now);

    clear_refusal(writer, now);
    bool named = region_is_named(&writer->now.routes_region, writer->names.routes);
    if (named && writer_control_usable(writer))
        return SHM_OK;
    status = named ? writer_renew_control(writer, now) : writer_recreate(writer, now);
    if (named && status == SHM_FULL) /* programs hold too much; that was said */
        return SHM_OK;
    if (status == SHM_OK)
        event_add(&writer->events, named ? EVENT_CONTROL_RECREATED : EVENT_OBJECTS_RECREATED,
                  named ? writer->names.control : writer->names.routes);
    return status;
}
