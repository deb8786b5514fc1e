/* SPDX-License-Identifier: MIT */
#include "tools/bench/workload.h"

#include "shm/clock.h"

/* What each call needs, in registers: the functions of the library that a fixture is looked up with, and its handle. */
struct caller {
    struct library library;
    larshm *reader;
};

static struct caller caller_of(const struct workload *workload)
{
    return (struct caller){*workload->fixture->library, workload->fixture->reader};
}

static bool lookup_host(void *context, uint32_t route, larshm_host *out)
{
    const struct caller *caller = context;
    return caller->library.get_host(caller->reader, fixture_modid(route), fixture_cmdid(route), out) ==
           LARSHM_OK;
}

static bool lookup_view(void *context, uint32_t route, larshm_host *out)
{
    const struct caller *caller = context;
    larshm_view view;
    uint32_t modid = fixture_modid(route), cmdid = fixture_cmdid(route);
    if (caller->library.route_begin(caller->reader, modid, cmdid, &view, sizeof(view)) != LARSHM_OK)
        return false;
    size_t at = view.count - 1;
    *out = (larshm_host){modid, cmdid, view.addr[at], view.port[at]};
    return caller->library.route_end(caller->reader, &view) == LARSHM_OK;
}

bool get_host_check(void *workload)
{
    struct caller caller = caller_of(workload);
    return workload_check(workload, lookup_host, &caller);
}

bool get_host_run(void *workload, uint32_t calls)
{
    struct caller caller = caller_of(workload);
    return workload_run(workload, calls, lookup_host, &caller);
}

bool get_host_run_dependent(void *workload, uint32_t calls)
{
    struct caller caller = caller_of(workload);
    return workload_loop(workload, calls, lookup_host, &caller, true);
}

/* The next BATCH_ROUTES routes of the sequence. */
static size_t lookup_batch(struct workload *workload, larshm_host hosts[static BATCH_ROUTES])
{
    const struct fixture *fixture = workload->fixture;
    int codes[BATCH_ROUTES];
    for (int i = 0; i < BATCH_ROUTES; i++) {
        uint32_t route = fixture->sequence[workload->at++ & SEQUENCE_MASK];
        hosts[i].modid = fixture_modid(route);
        hosts[i].cmdid = fixture_cmdid(route);
    }
    return fixture->library->get_host_batch(fixture->reader, hosts, codes, BATCH_ROUTES);
}

bool get_host_batch_check(void *context)
{
    struct workload workload = *(const struct workload *)context;
    larshm_host hosts[BATCH_ROUTES];
    for (uint32_t i = 0; i < SEQUENCE_LENGTH; i += BATCH_ROUTES) {
        uint32_t at = workload.at;
        if (lookup_batch(&workload, hosts) != BATCH_ROUTES)
            return false;
        for (uint32_t k = 0; k < BATCH_ROUTES; k++)
            if (!fixture_owns(workload.fixture->sequence[(at + k) & SEQUENCE_MASK],
                              workload.fixture->shape.hosts, &hosts[k]))
                return false;
    }
    return true;
}

bool get_host_batch_run(void *context, uint32_t calls)
{
    struct workload *workload = context;
    larshm_host hosts[BATCH_ROUTES];
    bool found = true;
    for (uint32_t i = 0; i < calls && found; i += BATCH_ROUTES) {
        found = lookup_batch(workload, hosts) == BATCH_ROUTES;
        for (int k = 0; k < BATCH_ROUTES; k++)
            workload->sum += hosts[k].addr + hosts[k].port;
    }
    return found;
}

bool view_check(void *workload)
{
    struct caller caller = caller_of(workload);
    return workload_check(workload, lookup_view, &caller);
}

bool view_run(void *workload, uint32_t calls)
{
    struct caller caller = caller_of(workload);
    return workload_run(workload, calls, lookup_view, &caller);
}

void workload_settle(void *workload)
{
    writer_heartbeat(((struct workload *)workload)->fixture->writer, clock_tick());
}

static bool host_exists(void *context, const struct call_report *report)
{
    (void)context, (void)report;
    return true;
}

void workload_collect(void *context)
{
    const struct workload *workload = context;
    uint64_t now = clock_tick();
    writer_heartbeat(workload->fixture->writer, now);
    writer_set_judge(workload->fixture->writer, host_exists, NULL);
    writer_collect_calls(workload->fixture->writer, UINT32_MAX, UINT32_MAX, now);
}
