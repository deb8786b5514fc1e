/* SPDX-License-Identifier: MIT */
/* What tools/languages measures in C: `bench INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <larshm/larshm.h>

#include "tests/bindings/chunks.h"

enum {
    CALLS = 1000,
    BATCH = 100,
};

struct subject {
    larshm *handle;
    larshm_route route;
    larshm_host hosts[BATCH];
    int codes[BATCH];
};

static bool get_host(void *context)
{
    struct subject *subject = context;
    int code = LARSHM_OK;
    for (int i = 0; i < CALLS && code == LARSHM_OK; i++)
        code = larshm_get_host(subject->handle, subject->hosts[0].modid, subject->hosts[0].cmdid,
                               &subject->hosts[0]);
    return code == LARSHM_OK;
}

static bool route_pick(void *context)
{
    struct subject *subject = context;
    int code = LARSHM_OK;
    for (int i = 0; i < CALLS && code == LARSHM_OK; i++)
        code = larshm_route_pick(&subject->route, &subject->hosts[0]);
    return code == LARSHM_OK;
}

static bool get_host_batch(void *context)
{
    struct subject *subject = context;
    bool done = true;
    for (int i = 0; i < CALLS / BATCH && done; i++)
        done = larshm_get_host_batch(subject->handle, subject->hosts, subject->codes, BATCH) == BATCH;
    return done;
}

int main(int argc, char **argv)
{
    struct subject subject = {0};
    if (argc != 5 || larshm_open(&subject.handle, argv[1]) != LARSHM_OK) {
        fprintf(stderr, "usage: bench INSTANCE MODID CMDID COUNT\n");
        return 1;
    }
    uint32_t modid = (uint32_t)strtoul(argv[2], NULL, 10), cmdid = (uint32_t)strtoul(argv[3], NULL, 10);
    size_t chunks = strtoul(argv[4], NULL, 10) / CALLS;
    for (int i = 0; i < BATCH; i++)
        subject.hosts[i] = (larshm_host){.modid = modid, .cmdid = cmdid};
    bool done = larshm_wait_route(subject.handle, modid, cmdid, 1000) == LARSHM_OK &&
                larshm_route_open(subject.handle, modid, cmdid, &subject.route) == LARSHM_OK &&
                chunk_measure("get_host", get_host, &subject, CALLS, chunks) &&
                chunk_measure("route_pick", route_pick, &subject, CALLS, chunks) &&
                chunk_measure("get_host_batch", get_host_batch, &subject, CALLS, chunks);
    larshm_close(subject.handle);
    return done ? 0 : 1;
}
