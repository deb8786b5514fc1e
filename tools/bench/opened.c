/* SPDX-License-Identifier: MIT */
#include "tools/bench/opened.h"

#include <err.h>
#include <stdlib.h>

bool opened_open(struct opened *opened, const struct fixture *fixture)
{
    uint32_t count = fixture->shape.routes;
    *opened =
        (struct opened){.workload = {.fixture = fixture}, .routes = calloc(count, sizeof(larshm_route))};
    if (!opened->routes) {
        warnx("out of memory");
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        int code = larshm_route_open(fixture->reader, fixture_modid(i), fixture_cmdid(i), &opened->routes[i]);
        if (code != LARSHM_OK) {
            warnx("cannot open route %u: %s", i, larshm_strerror(code));
            return false;
        }
    }
    return true;
}

void opened_close(struct opened *opened)
{
    free(opened->routes);
    *opened = (struct opened){.routes = NULL};
}

static bool pick(void *routes, uint32_t route, larshm_host *out)
{
    return larshm_route_pick(&((larshm_route *)routes)[route], out) == LARSHM_OK;
}

bool opened_check(void *context)
{
    struct opened *opened = context;
    return workload_check(&opened->workload, pick, opened->routes);
}

bool opened_run(void *context, uint32_t calls)
{
    struct opened *opened = context;
    return workload_run(&opened->workload, calls, pick, opened->routes);
}
