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
        int code = fixture->library->route_open(fixture->reader, fixture_modid(i), fixture_cmdid(i),
                                                &opened->routes[i]);
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

/* What it needs at hand, as in a program. */
struct picking {
    int (*pick)(larshm_route *route, larshm_host *out);
    larshm_route *routes;
};

static bool pick(void *context, uint32_t route, larshm_host *out)
{
    const struct picking *picking = context;
    return picking->pick(&picking->routes[route], out) == LARSHM_OK;
}

static struct picking picking_of(const struct opened *opened)
{
    return (struct picking){opened->workload.fixture->library->route_pick, opened->routes};
}

bool opened_check(void *context)
{
    struct opened *opened = context;
    struct picking picking = picking_of(opened);
    return workload_check(&opened->workload, pick, &picking);
}

bool opened_run(void *context, uint32_t calls)
{
    struct opened *opened = context;
    struct picking picking = picking_of(opened);
    return workload_run(&opened->workload, calls, pick, &picking);
}
