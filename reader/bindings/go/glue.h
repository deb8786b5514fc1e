/* SPDX-License-Identifier: MIT */
/*
 * What cgo calls. A handle is a number here: cgo would put each pointer to an incomplete type on the heap, to check it. Hosts come
 * and go in numbers, too: a pointer to a Go variable puts that on the heap, and a struct is slower than both. A list of hosts
 * begins and ends within one call.
 */
#ifndef LARSHM_GO_GLUE_H
#define LARSHM_GO_GLUE_H

#include <larshm/larshm.h>

static inline larshm *larshm_go_handle(uintptr_t h)
{
    return (larshm *)h;
}

struct larshm_go_opened {
    uintptr_t h;
    int code;
};

static inline struct larshm_go_opened larshm_go_open(const char *instance)
{
    larshm *h = NULL;
    int code = larshm_open(&h, instance);
    return (struct larshm_go_opened){(uintptr_t)h, code};
}

static inline void larshm_go_close(uintptr_t h)
{
    larshm_close(larshm_go_handle(h));
}

/* The host's address in the lower half, its port in the next 16 bits, and the code. */
static inline uint64_t larshm_go_pick(int code, const larshm_host *host)
{
    return host->addr | (uint64_t)host->port << 32 | (uint64_t)code << 48;
}

static inline uint64_t larshm_go_get_host(uintptr_t h, uint32_t modid, uint32_t cmdid)
{
    larshm_host host = {0};
    int code = larshm_get_host(larshm_go_handle(h), modid, cmdid, &host);
    return larshm_go_pick(code, &host);
}

static inline uint64_t larshm_go_get_host_except(uintptr_t h, uint32_t modid, uint32_t cmdid,
                                                 const larshm_host *tried, size_t count)
{
    larshm_host host = {0};
    int code = larshm_get_host_except(larshm_go_handle(h), modid, cmdid, tried, count, &host);
    return larshm_go_pick(code, &host);
}

static inline size_t larshm_go_get_host_batch(uintptr_t h, larshm_host *hosts, int *codes, size_t count)
{
    return larshm_get_host_batch(larshm_go_handle(h), hosts, codes, count);
}

static inline int larshm_go_get_route_states(uintptr_t h, uint32_t modid, uint32_t cmdid, larshm_host *hosts,
                                             enum larshm_host_state *states, size_t cap, size_t *count)
{
    return larshm_get_route_states(larshm_go_handle(h), modid, cmdid, hosts, states, cap, count);
}

/* Up to `cap` hosts; *count is how many there are. */
static inline int larshm_go_hosts(uintptr_t h, uint32_t modid, uint32_t cmdid, larshm_host_info *infos,
                                  size_t cap, size_t *count)
{
    larshm_hosts list;
    larshm_host_info info;
    int code = larshm_hosts_begin(larshm_go_handle(h), modid, cmdid, &list);
    if (code != LARSHM_OK)
        return code;
    for (*count = 0; (code = larshm_hosts_next(&list, &info)) == LARSHM_OK; ++*count)
        if (*count < cap)
            infos[*count] = info;
    larshm_hosts_end(larshm_go_handle(h), &list);
    return code == LARSHM_END ? LARSHM_OK : code;
}

static inline int larshm_go_routes_begin(uintptr_t h, larshm_routes *all)
{
    return larshm_routes_begin(larshm_go_handle(h), all);
}

/* The next up to `cap` routes, two numbers each; 0: that was all. */
static inline size_t larshm_go_routes_next(larshm_routes *all, uint32_t (*keys)[2], size_t cap)
{
    size_t count = 0;
    while (count < cap && larshm_routes_next(all, &keys[count][0], &keys[count][1]) == LARSHM_OK)
        count++;
    return count;
}

static inline void larshm_go_routes_end(uintptr_t h, larshm_routes *all)
{
    larshm_routes_end(larshm_go_handle(h), all);
}

static inline int larshm_go_info(uintptr_t h, uint32_t modid, uint32_t cmdid, larshm_route_info *info)
{
    return larshm_info(larshm_go_handle(h), modid, cmdid, info);
}

static inline int larshm_go_wait_route(uintptr_t h, uint32_t modid, uint32_t cmdid, int timeout_ms)
{
    return larshm_wait_route(larshm_go_handle(h), modid, cmdid, timeout_ms);
}

struct larshm_go_change {
    uint64_t since;
    uint32_t modid, cmdid;
    int code;
};

static inline struct larshm_go_change larshm_go_next_change(uintptr_t h, uint64_t since)
{
    struct larshm_go_change next = {since, 0, 0, 0};
    next.code = larshm_next_change(larshm_go_handle(h), &next.since, &next.modid, &next.cmdid);
    return next;
}

/* Whether something has changed; does not wait. */
static inline int larshm_go_wait_change(uintptr_t h, uint64_t since)
{
    return larshm_wait_change(larshm_go_handle(h), &since, 0);
}

static inline int larshm_go_change_fd(uintptr_t h, int *fd)
{
    return larshm_change_fd(larshm_go_handle(h), fd);
}

static inline int larshm_go_report(uintptr_t h, uint32_t modid, uint32_t cmdid, in_addr_t addr,
                                   in_port_t port, int retcode, uint32_t duration_ms)
{
    const larshm_host host = {modid, cmdid, addr, port};
    return larshm_report_timed(larshm_go_handle(h), &host, retcode, duration_ms);
}

#endif
