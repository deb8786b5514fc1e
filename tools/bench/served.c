/* SPDX-License-Identifier: MIT */
#include "tools/bench/served.h"

#include <err.h>
#include <unistd.h>

#include "tools/bench/child.h"
#include "tools/bench/directory.h"
#include "tools/bench/loading.h"

enum {
    FOREVER_MS = 1 << 30,
    FAILURES = 20,    /* in a row, twice what ejects a host */
    PAUSE_US = 20000, /* some polls of the fetcher */
    POLLS = 500,
};

static const char suite[] = "lookup";

/* What a child needs to be the directory of a fetcher. */
struct answers {
    struct directory *directory;
    const struct fixture_shape *shape;
};

/* Until it is killed. Routes beyond those of the shape have no hosts. */
static void answer(const struct bench *bench, void *context)
{
    const struct answers *answers = context;
    uint32_t route;
    (void)bench;
    if (directory_accept(answers->directory))
        while (directory_take(answers->directory, FOREVER_MS, &route) &&
               directory_answer(answers->directory, route,
                                route < answers->shape->routes ? answers->shape->hosts : 0, 0))
            continue;
}

/* The child has the listener; here it is closed. */
static bool start(struct served *served, const struct bench *bench, struct directory *directory)
{
    struct fixture *fixture = &served->fixture;
    struct answers answers = {directory, &fixture->shape};
    const struct fetcher_config config = {.instance = fixture->instance,
                                          .directory = directory->port,
                                          .update_timeout_s = fixture->shape.ttl_s,
                                          .program = fixture->library->fetcher};
    served->directory = bench_fork(bench, answer, &answers);
    return served->directory > 0 && deployment_open(&served->deployment) &&
           deployment_start_fetcher(&served->deployment, bench, &config, &served->fetcher);
}

static bool load(const struct served *served, const struct bench *bench, uint32_t first, uint32_t routes,
                 uint32_t hosts)
{
    const struct loading loading = {.library = served->fixture.library,
                                    .reader = served->fixture.reader,
                                    .first = first,
                                    .routes = routes,
                                    .hosts = hosts};
    double seconds;
    return loading_run(&loading, bench, suite, &seconds);
}

bool served_open(struct served *served, const struct bench *bench, const struct library *library,
                 const struct fixture_shape *shape)
{
    static struct directory directory;
    *served = (struct served){.directory = 0};
    bool done = directory_open(&directory) && fixture_prepare(&served->fixture, shape, library) &&
                start(served, bench, &directory);
    directory_close(&directory);
    return done && fixture_attach(&served->fixture) && load(served, bench, 0, shape->routes, shape->hosts);
}

void served_close(struct served *served)
{
    served_disconnect(served);
    program_kill(&served->fetcher);
    fixture_close(&served->fixture);
    deployment_close(&served->deployment);
}

bool served_add_nonexistent(const struct served *served, const struct bench *bench, uint32_t routes)
{
    return load(served, bench, served->fixture.shape.routes, routes, 0);
}

void served_disconnect(struct served *served)
{
    child_end(served->directory);
    served->directory = 0;
}

static bool report_failures(const struct fixture *fixture)
{
    for (uint32_t route = 0; route < fixture->shape.routes; route++) {
        const struct host_addr host = fixture_host(route, route % fixture->shape.hosts);
        const larshm_host failed = {fixture_modid(route), fixture_cmdid(route), host.address, host.port};
        for (int i = 0; i < FAILURES; i++) {
            int code = fixture->library->report(fixture->reader, &failed, -1);
            if (code != LARSHM_OK && code != LARSHM_FULL) {
                warnx("%s: a report failed: %s", suite, larshm_strerror(code));
                return false;
            }
        }
    }
    return true;
}

static bool is_ejected(const larshm_route_info *info)
{
    return info->ejected == 1;
}

static bool is_expired(const larshm_route_info *info)
{
    return info->expired == 1;
}

static bool all_are(const struct fixture *fixture, bool (*is)(const larshm_route_info *info))
{
    for (uint32_t route = 0; route < fixture->shape.routes; route++) {
        larshm_route_info info = {.ejected = 0};
        if (fixture->library->info(fixture->reader, fixture_modid(route), fixture_cmdid(route), &info,
                                   sizeof(info)) != LARSHM_OK ||
            !is(&info))
            return false;
    }
    return true;
}

bool served_await_expiry(const struct served *served)
{
    for (int i = 0; i < POLLS && !bench_stopped(); i++) {
        if (all_are(&served->fixture, is_expired))
            return true;
        usleep(PAUSE_US);
    }
    if (!bench_stopped())
        warnx("%s: routes do not expire", suite);
    return false;
}

/* Reports are repeated: at first the fetcher has no room for so many hosts with results. */
bool served_eject(const struct served *served, const struct bench *bench)
{
    for (int i = 0; i < POLLS && !bench_stopped(); i++) {
        if (all_are(&served->fixture, is_ejected))
            return true;
        bench_progress(bench, "%s: a host of each route is ejected", suite);
        if (!report_failures(&served->fixture))
            return false;
        usleep(PAUSE_US);
    }
    if (!bench_stopped())
        warnx("%s: the fetcher ejects no hosts whose calls fail", suite);
    return false;
}
