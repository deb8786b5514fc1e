/* SPDX-License-Identifier: MIT */
/* Whether the control object can be used, and another one for the same routes where it cannot. */
#include "shm/atomic.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"

static bool is_cut(const struct writer *writer)
{
    /* The end of the object: any truncation that could end a client removes it, and the SIGBUS handler records the access. */
    const struct control *control = &writer->now.stats.control;
    volatile uint64_t touched = load_relaxed(&control->s_calls[control->shape.call_cells - 1].succ_run);
    (void)touched;
    return sigbus_hit(&writer->now.control_region);
}

bool writer_leave_cut_control(struct writer *writer)
{
    bool cut = is_cut(writer);
    if (cut)
        generation_leave_control(&writer->now);
    return cut;
}

bool writer_control_usable(const struct writer *writer)
{
    struct control found;
    return !is_cut(writer) && region_is_whole(&writer->now.control_region, writer->names.control) &&
           control_attach(&writer->now.control_region, control_shape(&writer->now.publisher.routes),
                          writer->now.stats.number, &found) == SHM_OK;
}

/*
 * One that was truncated is dropped, for its results are gone; any other is collected like that of a replaced
 * generation. It gets a second name only if it is whole: otherwise it has none any more, or its header is not what a
 * next fetcher would accept.
 */
enum shm_status writer_renew_control(struct writer *writer, uint64_t now)
{
    struct generation replaced;
    struct retired_name kept = {0};
    bool cut = writer_leave_cut_control(writer);
    uint64_t bytes = control_size(writer->now.stats.control.shape);
    if (!writer_may_replace(writer, now))
        return SHM_FULL;
    if (!writer_has_memory(writer, bytes))
        return SHM_NO_SPACE;
    if (writer_control_usable(writer) &&
        retired_control_keep(&writer->names, writer->now.stats.number, &kept) != SHM_OK)
        event_add(&writer->events, EVENT_NOT_KEPT, writer->names.control);
    int old = replaced_open(writer->names.control, &writer->now.control_region);
    enum shm_status status = generation_renew_control(&writer->names, writer->group, &writer->now, &replaced);
    if (status == SHM_NO_SPACE)
        writer_report_space(writer, EVENT_NO_SPACE, bytes, region_space_available());
    else if (status != SHM_OK)
        event_add(&writer->events, EVENT_INSTALL_FAILED, writer->names.control);
    if (status != SHM_OK) {
        retired_control_remove(&writer->names, kept);
        replaced_cancel(old);
        return status;
    }
    replaced_add(&writer->replaced, old, !cut, now);
    sigbus_protect(&writer->now.control_region);
    if (cut) {
        sigbus_unprotect(&replaced.control_region);
        region_close(&replaced.control_region);
    } else {
        writer_retire_control(writer, &replaced, kept, now);
    }
    return SHM_OK;
}
