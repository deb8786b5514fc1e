/* SPDX-License-Identifier: MIT */
/* Suite "report": telling how a call went. Every few milliseconds a fetcher takes what was told; so here. */
#include <err.h>
#include <stdlib.h>

#include "shm/clock.h"
#include "tools/bench/peer_lfht.h"
#include "tools/bench/race.h"
#include "tools/bench/reader.h"

enum {
    CALLS = 10000,
    ROUTES = 1000,
    HOSTS = 4,
    GROWTHS_MAX = 20, /* of the room for hosts with results, until all of them have some */
};

static bool report_one(void *reader, uint32_t route, larshm_host *out)
{
    const struct host_addr host = world_host(route, route % HOSTS);
    *out = (larshm_host){world_modid(route), world_cmdid(route), host.address, host.port};
    return larshm_report(reader, out, 0) == LARSHM_OK;
}

static bool exists(void *context, const struct call_report *report, uint64_t generation)
{
    (void)context, (void)report, (void)generation;
    return true;
}

static void harvest(void *context)
{
    const struct walk *walk = context;
    char message[WRITER_MESSAGE_MAX];
    uint64_t now = clock_tick();
    writer_heartbeat(walk->world->writer, now);
    writer_on_calls(walk->world->writer, exists, NULL);
    writer_collect_calls(walk->world->writer, UINT32_MAX, UINT32_MAX, now, message);
}

/* All are taken, once the fetcher has made room for so many hosts. */
static bool report_check(void *context)
{
    const struct walk *walk = context;
    bool done = false;
    for (int growth = 0; growth < GROWTHS_MAX && !done; growth++) {
        done = walk_check(walk, report_one, walk->world->reader);
        harvest(context);
    }
    return done && walk_check(walk, report_one, walk->world->reader);
}

static bool report_run(void *context, uint32_t calls)
{
    struct walk *walk = context;
    return walk_run(walk, calls, report_one, walk->world->reader);
}

bool suite_report(struct bench *bench)
{
    const uint32_t routes = bench_routes(bench, ROUTES);
    const struct world_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct world world;
    struct peer_lfht lfht = {0};
    bool done = world_open(&world, &shape) && peer_lfht_open(&lfht, &world, 0);
    struct walk reports = {.world = &world}, hosts = {.world = &world};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", routes}, {"hosts", HOSTS}};
    const struct contender contenders[] = {
        {"report", report_check, harvest, report_run, &reports, CALLS, "cds_lfht", .at_most = 1.0},
        {"get_host", get_host_check, NULL, get_host_run, &hosts, CALLS, .peer = "cds_lfht"},
        {"cds_lfht", peer_lfht_check, NULL, peer_lfht_run, &lfht, CALLS, .peer = NULL},
    };
    done = done && race(bench, "report", parameters, contenders, sizeof(contenders) / sizeof(*contenders));
    peer_lfht_close(&lfht);
    world_close(&world);
    return done;
}
