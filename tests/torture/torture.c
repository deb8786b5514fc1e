/* SPDX-License-Identifier: MIT */
/*
 * Readers of many threads, one fetcher under a directory that changes thousands of routes, and chaos that kills and
 * stops all of them at random, for SECONDS (default 60). At the end one line of figures:
 *
 *      lookups          by all threads of all readers
 *      publishes        host tables written, as the last fetcher counted (its predecessors' included)
 *      fetcher_deaths   SIGKILLs of the fetcher; reader_deaths: of readers
 *      generations      routes objects made: growth, and one for each fetcher
 *      torn             MUST BE 0: a table that is not one answer of the directory (G2)
 *      lost             MUST BE 0: a lookup that failed although this route had been found before (G5, G9)
 *      poisoned         MUST BE 0: a lookup that returned memory whose grace was over (G2, G4)
 *      hung             MUST BE 0: children of fork() that did not end, or crashed
 *      results          of calls to routes whose tables do not change, told by readers
 *      results_lost     told, and kept by no fetcher. MUST BE NO MORE than generations: a client that is stopped
 *                       while it tells may come too late for one that many others have pushed out
 *      results_invented MUST BE 0: results that were kept and never told, or twice
 *      longest_lookup   in milliseconds of wall time, so it has in it how long we stopped the process (G1 is about
 *                       steps, not about time while stopped)
 *
 * Exit status 1 if one of these is not so, or if nothing happened at all. With --grace 0 blocks are used again at
 * once: readers must notice and try again, so all of it still holds.
 */
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader/include/larshm/larshm.h"
#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/names.h"
#include "tests/support/objects.h"
#include "tests/torture/results.h"
#include "tests/torture/torture.h"

enum {
    SETTLE_MS = 8000,   /* for a fetcher on a busy machine to begin */
    SETTLED_BEATS = 10, /* polls */
};

struct options {
    unsigned seconds, grace_ms;
    const char *fetcher;
};

struct scene {
    struct options options;
    struct torture *torture;
    char instance[INSTANCE_MAX + 1], config[64];
    struct object_names names;
    pid_t flapper, fetcher, readers[READERS];
    uint64_t fetcher_deaths, reader_deaths, random;
};

static uint32_t draw(struct scene *scene, uint32_t below)
{
    scene->random = key_hash(scene->random, 1) + 1;
    return (uint32_t)((scene->random >> 32) * below >> 32);
}

static void pause_ms(uint32_t ms)
{
    usleep(ms * 1000);
}

/* A child that does not outlive us. */
static pid_t spawn(void)
{
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static pid_t start_reader(struct scene *scene)
{
    pid_t child = spawn();
    if (child == 0)
        reader_run(scene->torture, scene->instance);
    return child;
}

static pid_t start_fetcher(struct scene *scene)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", atomic_load(&scene->torture->port));
    pid_t child = spawn();
    if (child == 0) {
        execl(scene->options.fetcher, scene->options.fetcher, "-c", scene->config, "-n", scene->instance,
              "--dns", address, NULL);
        _exit(127);
    }
    return child;
}

static void put_an_end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void write_config(struct scene *scene)
{
    snprintf(scene->config, sizeof(scene->config), "/tmp/%s.conf", scene->instance);
    FILE *file = fopen(scene->config, "w");
    if (!file)
        abort();
    fprintf(
        file,
        "[loadbalance]\nupdate_timeout = 1\noverload_timeout = 1\nidle_timeout = 1\n"
        "[fetcher]\nlog_level = error\nreconnect_min_ms = 5\nreconnect_max_ms = 50\npoll_interval_ms = 5\n"
        "[shm]\ngrace_ms = %u\ngroup =\n",
        scene->options.grace_ms);
    fclose(file);
}

static void begin(struct scene *scene)
{
    snprintf(scene->instance, sizeof(scene->instance), "torture-%ld", (long)getpid());
    object_names(scene->instance, &scene->names);
    write_config(scene);
    scene->torture =
        mmap(NULL, sizeof(*scene->torture), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scene->torture == MAP_FAILED)
        abort();
    atomic_store(&scene->torture->routes, 200);
    atomic_store(&scene->torture->rate, 4000);
    scene->random = clock_unix_ms();
    scene->flapper = spawn();
    if (scene->flapper == 0)
        flapper_run(scene->torture);
    while (atomic_load(&scene->torture->port) == 0)
        pause_ms(1);
    scene->fetcher = start_fetcher(scene);
    for (int i = 0; i < READERS; i++)
        scene->readers[i] = start_reader(scene);
}

/* It has taken the results that the fetcher before it left: it polls. */
static void wait_until_settled(const struct scene *scene)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    uint64_t tick = 0, beats = 0, deadline = clock_tick() + SETTLE_MS;
    while (beats < SETTLED_BEATS && clock_tick() < deadline) {
        struct region region;
        struct routes routes;
        pause_ms(1);
        if (region_open(scene->names.routes, false, &self, HEADER_BYTES, &region) != SHM_OK)
            continue;
        if (routes_attach(&region, &routes) == SHM_OK &&
            load_relaxed(&routes.s_header->fetcher_pid) == (uint32_t)scene->fetcher &&
            load_relaxed(&routes.s_header->tick) != tick) {
            tick = load_relaxed(&routes.s_header->tick);
            beats++;
        }
        region_close(&region);
    }
}

/* One misfortune. */
static void strike(struct scene *scene)
{
    int reader = (int)draw(scene, READERS);
    switch (draw(scene, 8)) {
    case 0:
        put_an_end(scene->fetcher);
        scene->fetcher_deaths++;
        pause_ms(draw(scene, 50));
        scene->fetcher = start_fetcher(scene);
        if (scene->options.grace_ms)
            wait_until_settled(scene);
        break;
    case 1:
        put_an_end(scene->readers[reader]);
        scene->reader_deaths++;
        scene->readers[reader] = start_reader(scene);
        break;
    case 2:
    case 3:
        kill(scene->fetcher, SIGSTOP);
        pause_ms(draw(scene, 150));
        kill(scene->fetcher, SIGCONT);
        break;
    default: /* most of all readers are stopped, in the middle of lookups and views, for longer than the grace */
        kill(scene->readers[reader], SIGSTOP);
        pause_ms(draw(scene, scene->options.grace_ms * 2 + 30));
        kill(scene->readers[reader], SIGCONT);
        break;
    }
}

static void rage(struct scene *scene)
{
    uint64_t start = clock_tick(), end = start + scene->options.seconds * UINT64_C(1000);
    for (uint64_t now = start; now < end; now = clock_tick()) {
        uint64_t routes = 200 + (now - start) * (ROUTES_MAX - 200) / (end - start);
        atomic_store(&scene->torture->routes, (uint32_t)routes);
        pause_ms(5 + draw(scene, 60));
        strike(scene);
    }
}

/* The last fetcher's counters, and whether what it leaves is valid. */
static int inspect(const struct scene *scene, uint64_t *publishes, uint64_t *generations)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct routes routes;
    struct check_report report;
    if (region_open(scene->names.routes, false, &self, HEADER_BYTES, &region) != SHM_OK ||
        routes_attach(&region, &routes) != SHM_OK)
        return -1;
    *publishes = load_relaxed(&routes.s_header->counters[COUNTER_publishes]);
    *generations = load_relaxed(&routes.s_header->counters[COUNTER_generations]);
    int valid = check_routes(&routes, &report) == SHM_OK;
    if (!valid)
        fprintf(stderr, "what the fetcher left is not valid: %s\n", report.text);
    region_close(&region);
    return valid ? 0 : -1;
}

/* The last fetcher takes what there is. Fills in by how much its sum differs from what was told. */
static void judge_results(const struct scene *scene, uint64_t *lost, uint64_t *invented)
{
    uint64_t told = 1, begun = 0, kept = 0;
    wait_until_settled(scene);
    for (uint64_t deadline = clock_tick() + SETTLE_MS / 4; kept < told && clock_tick() < deadline;) {
        pause_ms(100); /* what the readers have forked ends soon */
        told = atomic_load(&scene->torture->told);
        begun = atomic_load(&scene->torture->begun);
        kept = results_kept(scene->names.hosts);
    }
    *lost = kept < told ? told - kept : 0;
    *invented = kept > begun ? kept - begun : 0;
}

static int end(struct scene *scene)
{
    struct torture *torture = scene->torture;
    uint64_t publishes = 0, generations = 0, results_lost, results_invented;
    for (int i = 0; i < READERS; i++)
        put_an_end(scene->readers[i]);
    judge_results(scene, &results_lost, &results_invented);
    put_an_end(scene->fetcher);
    put_an_end(scene->flapper);
    int valid = inspect(scene, &publishes, &generations);
    uint64_t torn = atomic_load(&torture->torn), lost = atomic_load(&torture->lost),
             poisoned = atomic_load(&torture->poisoned), lookups = atomic_load(&torture->lookups);
    printf("lookups=%" PRIu64 " publishes=%" PRIu64 " fetcher_deaths=%" PRIu64 " reader_deaths=%" PRIu64
           " generations=%" PRIu64 " forks=%" PRIu64 " threads=%" PRIu64 " stale_views=%" PRIu64
           " torn=%" PRIu64 " lost=%" PRIu64 " poisoned=%" PRIu64 " hung=%" PRIu64 " results=%" PRIu64
           " results_lost=%" PRIu64 " results_invented=%" PRIu64 " longest_lookup_ms=%" PRIu64 "\n",
           lookups, publishes, scene->fetcher_deaths, scene->reader_deaths, generations,
           atomic_load(&torture->forks), atomic_load(&torture->threads), atomic_load(&torture->stale_views),
           torn, lost, poisoned, atomic_load(&torture->hung), atomic_load(&torture->told), results_lost,
           results_invented, atomic_load(&torture->longest_ns) / 1000000);
    objects_remove(&scene->names);
    unlink(scene->config);
    /* A client that is stopped while it tells may come too late for a generation that many others have pushed out. */
    bool well = torn + lost + poisoned + atomic_load(&torture->hung) + results_invented == 0 &&
                results_lost <= generations;
    return valid == 0 && well && lookups > 1000 && publishes > 100 ? 0 : 1;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'g':
        options->grace_ms = (unsigned)strtoul(argument, NULL, 10);
        return 0;
    case ARGP_KEY_ARG:
        options->seconds = (unsigned)strtoul(argument, NULL, 10);
        if (options->seconds == 0)
            argp_error(state, "SECONDS must be 1 or more, not \"%s\"", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option described[] = {
        {"grace", 'g', "MS", 0, "grace_ms of the fetcher (default 50)", 0}, {0}};
    static const struct argp parser = {
        described, parse, "[SECONDS]", "Tortures shared memory. See torture.c.", 0, 0, 0};
    static struct scene scene = {.options = {.seconds = 60, .grace_ms = 50, .fetcher = TORTURE_FETCHER}};
    argp_parse(&parser, argc, argv, 0, NULL, &scene.options);
    begin(&scene);
    rage(&scene);
    return end(&scene);
}
