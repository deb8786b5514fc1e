/* SPDX-License-Identifier: MIT */
#include "reader/get_host.h"
#include "reader/lookup.h"
#include "reader/thread.h"
#include "shm/reader/call_stats.h"

/*
 * The common case: a success of a host that has a cell, in the newest generation. False: nothing is reported, report_slow() will.
 * The conditions are those of that path, and of the fast path of lookups for its section.
 */
static inline bool report_success(larshm *h, const larshm_host *host)
{
    struct thread_state *mine = &thread_state;
    struct route_key key = route_key(host->modid, host->cmdid);
    const struct host_addr addr = {host->addr, host->port};
    if (route_key_is_none(key) || addr.address == 0 || addr.port == 0 || mine->reports + 1 >= mine->batch ||
        h->fast_serial != h->serial)
        return false;
    struct urcu_bp_reader *section = rcu_enter_fast();
    if (!section)
        return false;
    /* Pairs with mapping_renew(). */
    const struct mapping *mapping = load_acquire(&h->current);
    uint32_t cell = CALL_CELL_NONE;
    if (get_host_current(&mapping->routes) && lookup_has_control(mapping) &&
        load_relaxed(&mapping->cut_off) == LARSHM_OK && !load_relaxed(&mapping->routes.s_header->hosts_full))
        cell = call_cell_find(&mapping->control, key, addr);
    if (cell != CALL_CELL_NONE) {
        call_stats_add_success(&mapping->control, cell, mine->number);
        mine->reports++;
    }
    rcu_leave_fast(section);
    return cell != CALL_CELL_NONE;
}

static __attribute__((noinline)) int report_slow(larshm *h, const larshm_host *host, int retcode,
                                                 uint32_t duration_ms)
{
    struct route_key key = route_key(host->modid, host->cmdid);
    if (route_key_is_none(key) || host->addr == 0 || host->port == 0)
        return LARSHM_BAD_ARGUMENT;
    if (++thread_state.reports >= thread_state.batch) {
        thread_state.reports = 0;
        lookup_batch_done(h, NULL);
    }
    struct mapping *mapping = lookup_enter(h);
    if (thread_state.start == 0)
        lookup_start_thread(mapping);
    const struct host_addr addr = {host->addr, host->port};
    int code = mapping->may_not_demand ? LARSHM_NO_PERMISSION : LARSHM_FULL;
    int cut_off = lookup_cut_off(mapping);
    if (cut_off != LARSHM_OK) {
        code = cut_off;
    } else if (lookup_has_control(mapping)) {
        uint32_t slow = load_relaxed(&mapping->routes.s_header->settings.slow_call_ms), weight = 1;
        if (slow && duration_ms >= slow)
            weight = duration_ms / slow < CALL_WEIGHT_MAX ? duration_ms / slow : CALL_WEIGHT_MAX;
        /* Relaxed: seen late, results of a host that gets no record are added to those of its route. */
        code = (int)(load_relaxed(&mapping->routes.s_header->hosts_full)
                         ? call_stats_record_known(&mapping->control, key, addr, retcode == 0, weight,
                                                   thread_number())
                         : call_stats_record(&mapping->control, key, addr, retcode == 0, weight,
                                             thread_number()));
    }
    lookup_end();
    return code;
}

static __attribute__((noinline)) int report(larshm *h, const larshm_host *host, int retcode,
                                            uint32_t duration_ms)
{
    return retcode == 0 && report_success(h, host) ? LARSHM_OK : report_slow(h, host, retcode, duration_ms);
}

int larshm_report(larshm *h, const larshm_host *host, int retcode)
{
    return report(h, host, retcode, 0);
}

int larshm_report_timed(larshm *h, const larshm_host *host, int retcode, uint32_t duration_ms)
{
    return report(h, host, retcode, duration_ms);
}
