/* SPDX-License-Identifier: MIT */
/*
 * Readers of many threads, one fetcher under a directory that changes thousands of routes, and chaos that kills and
 * stops all of them at random, for SECONDS (default 60), which may be days. At the end one line of figures:
 *
 *      lookups          by all threads of all readers
 *      publishes        host tables written, as the last fetcher counted (its predecessors' included)
 *      fetcher_deaths   SIGKILLs of the fetcher; reader_deaths: of readers
 *      generations      routes objects made: growth, and one for each fetcher
 *      torn             MUST BE 0: a table that is not one answer of the directory (G2)
 *      lost             MUST BE 0: a lookup that failed although this route had been found before (G5, G9)
 *      poisoned         MUST BE 0: a lookup that returned memory whose grace was over (G2, G4)
 *      hung             MUST BE 0: children of fork() that did not end, or crashed
 *      results          of calls to routes whose tables do not change, recorded by readers
 *      results_lost     recorded, and kept by no fetcher. MUST BE NO MORE than generations: a client that is stopped
 *                       while it records may come too late for one that many others have pushed out
 *      results_invented MUST BE 0: results that were kept and never recorded, or twice
 *      grown            MUST BE 0: 1 if memory grew after all routes were there; see memory.h, which says on stderr how
 *                       much is used. In runs of less than five minutes it is not looked at
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
#include "tests/torture/memory.h"
#include "tests/torture/results.h"
#include "tests/torture/torture.h"
#include "tools/bench/private_instance.h"

enum {
    SETTLE_MS = 8000,   /* for a fetcher on a busy machine to begin */
    SETTLED_BEATS = 10, /* polls */
    GROWING_MS = 300000,
    MEMORY_SECONDS = 300, /* in shorter runs what is there at a time differs too much */
};

struct options {
    unsigned seconds, grace_ms;
    const char *fetcher;
};

struct fixture {
    struct options options;
    struct torture *torture;
    char instance[INSTANCE_MAX + 1], config[64];
    struct object_names names;
    pid_t flapper, fetcher, readers[READERS];
    uint64_t fetcher_deaths, reader_deaths, random;
    struct memory memory;
    bool grown;
};

static uint32_t draw(struct fixture *fixture, uint32_t below)
{
    fixture->random = hash_word(fixture->random, 1) + 1;
    return (uint32_t)((fixture->random >> 32) * below >> 32);
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

static pid_t start_reader(struct fixture *fixture)
{
    pid_t child = spawn();
    if (child == 0)
        reader_run(fixture->torture, fixture->instance);
    return child;
}

static pid_t start_fetcher(struct fixture *fixture)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", atomic_load(&fixture->torture->port));
    pid_t child = spawn();
    if (child == 0) {
        execl(fixture->options.fetcher, fixture->options.fetcher, "-c", fixture->config, "-n",
              fixture->instance, "--dns", address, NULL);
        _exit(127);
    }
    return child;
}

static void put_an_end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void write_config(struct fixture *fixture)
{
    snprintf(fixture->config, sizeof(fixture->config), "/tmp/%s.conf", fixture->instance);
    FILE *file = fopen(fixture->config, "w");
    if (!file)
        abort();
    fprintf(file,
            "[loadbalance]\nupdate_timeout = 1\noverload_timeout = 1\nidle_timeout = 1\nmemory = 5\n"
            "[fetcher]\nlog_level = error\nadmin_socket = /none/admin.sock\nsnapshot =\n"
            "reconnect_min_ms = 5\nreconnect_max_ms = 50\npoll_interval_ms = 5\n"
            "[shm]\ngrace_ms = %u\ngroup =\n",
            fixture->options.grace_ms);
    fclose(file);
}

static void begin(struct fixture *fixture)
{
    snprintf(fixture->instance, sizeof(fixture->instance), "torture-%ld", (long)getpid());
    object_names(fixture->instance, &fixture->names);
    write_config(fixture);
    fixture->torture =
        mmap(NULL, sizeof(*fixture->torture), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fixture->torture == MAP_FAILED)
        abort();
    atomic_store(&fixture->torture->routes, 200);
    atomic_store(&fixture->torture->rate, 4000);
    fixture->random = clock_unix_ms();
    fixture->flapper = spawn();
    if (fixture->flapper == 0)
        flapper_run(fixture->torture);
    while (atomic_load(&fixture->torture->port) == 0)
        pause_ms(1);
    fixture->fetcher = start_fetcher(fixture);
    for (int i = 0; i < READERS; i++)
        fixture->readers[i] = start_reader(fixture);
}

/* It has taken the results that the fetcher before it left: it polls. */
static void wait_until_settled(const struct fixture *fixture)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    uint64_t tick = 0, beats = 0, deadline = clock_tick() + SETTLE_MS;
    while (beats < SETTLED_BEATS && clock_tick() < deadline) {
        struct region region;
        struct routes routes;
        pause_ms(1);
        if (region_open(fixture->names.routes, false, &self, HEADER_BYTES, &region) != SHM_OK)
            continue;
        if (routes_attach(&region, &routes) == SHM_OK &&
            load_relaxed(&routes.s_header->fetcher_pid) == (uint32_t)fixture->fetcher &&
            load_relaxed(&routes.s_header->tick) != tick) {
            tick = load_relaxed(&routes.s_header->tick);
            beats++;
        }
        region_close(&region);
    }
}

/* One misfortune. */
static void strike(struct fixture *fixture)
{
    int reader = (int)draw(fixture, READERS);
    switch (draw(fixture, 8)) {
    case 0:
        put_an_end(fixture->fetcher);
        fixture->fetcher_deaths++;
        pause_ms(draw(fixture, 50));
        fixture->fetcher = start_fetcher(fixture);
        if (fixture->options.grace_ms)
            wait_until_settled(fixture);
        break;
    case 1:
        put_an_end(fixture->readers[reader]);
        fixture->reader_deaths++;
        fixture->readers[reader] = start_reader(fixture);
        break;
    case 2:
    case 3:
        kill(fixture->fetcher, SIGSTOP);
        pause_ms(draw(fixture, 150));
        kill(fixture->fetcher, SIGCONT);
        break;
    default: /* most of all readers are stopped, in the middle of lookups and views, for longer than the grace */
        kill(fixture->readers[reader], SIGSTOP);
        pause_ms(draw(fixture, fixture->options.grace_ms * 2 + 30));
        kill(fixture->readers[reader], SIGCONT);
        break;
    }
}

static void look_at_memory(struct fixture *fixture)
{
    const struct memory_of of = {.names = &fixture->names,
                                 .fetcher = fixture->fetcher,
                                 .directory = fixture->flapper,
                                 .readers = fixture->readers,
                                 .count = READERS};
    if (fixture->options.seconds >= MEMORY_SECONDS)
        fixture->grown = !memory_look(&fixture->memory, clock_tick(), &of);
}

/* More and more routes for half of the time, or some minutes; then as many until the end, or until memory grows. */
static void rage(struct fixture *fixture)
{
    uint64_t start = clock_tick(), end = start + fixture->options.seconds * UINT64_C(1000);
    uint64_t growing = (end - start) / 2 < GROWING_MS ? (end - start) / 2 : GROWING_MS;
    memory_begin(&fixture->memory, start + growing, end);
    for (uint64_t now = start; now < end && !fixture->grown; now = clock_tick()) {
        uint64_t done = now - start < growing ? now - start : growing;
        atomic_store(&fixture->torture->routes, (uint32_t)(200 + done * (ROUTES_MAX - 200) / growing));
        pause_ms(5 + draw(fixture, 60));
        strike(fixture);
        look_at_memory(fixture);
    }
}

/* The last fetcher's counters, and whether what it leaves is valid. */
static int inspect(const struct fixture *fixture, uint64_t *publishes, uint64_t *generations)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct routes routes;
    struct check_report report;
    if (region_open(fixture->names.routes, false, &self, HEADER_BYTES, &region) != SHM_OK ||
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

/* The last fetcher takes what there is. Fills in by how much its sum differs from what was recorded. */
static void judge_results(const struct fixture *fixture, uint64_t *lost, uint64_t *invented)
{
    uint64_t recorded = 1, begun = 0, kept = 0;
    wait_until_settled(fixture);
    for (uint64_t deadline = clock_tick() + SETTLE_MS / 4; kept < recorded && clock_tick() < deadline;) {
        pause_ms(100); /* what the readers have forked ends soon */
        recorded = atomic_load(&fixture->torture->recorded);
        begun = atomic_load(&fixture->torture->begun);
        kept = results_kept(fixture->names.hosts);
    }
    *lost = kept < recorded ? recorded - kept : 0;
    *invented = kept > begun ? kept - begun : 0;
}

static int end(struct fixture *fixture)
{
    struct torture *torture = fixture->torture;
    uint64_t publishes = 0, generations = 0, results_lost, results_invented;
    for (int i = 0; i < READERS; i++)
        put_an_end(fixture->readers[i]);
    judge_results(fixture, &results_lost, &results_invented);
    put_an_end(fixture->fetcher);
    put_an_end(fixture->flapper);
    int valid = inspect(fixture, &publishes, &generations);
    uint64_t torn = atomic_load(&torture->torn), lost = atomic_load(&torture->lost),
             poisoned = atomic_load(&torture->poisoned), lookups = atomic_load(&torture->lookups);
    printf("lookups=%" PRIu64 " publishes=%" PRIu64 " fetcher_deaths=%" PRIu64 " reader_deaths=%" PRIu64
           " generations=%" PRIu64 " forks=%" PRIu64 " threads=%" PRIu64 " stale_views=%" PRIu64
           " torn=%" PRIu64 " lost=%" PRIu64 " poisoned=%" PRIu64 " hung=%" PRIu64 " results=%" PRIu64
           " results_lost=%" PRIu64 " results_invented=%" PRIu64 " grown=%d longest_lookup_ms=%" PRIu64 "\n",
           lookups, publishes, fixture->fetcher_deaths, fixture->reader_deaths, generations,
           atomic_load(&torture->forks), atomic_load(&torture->threads), atomic_load(&torture->stale_views),
           torn, lost, poisoned, atomic_load(&torture->hung), atomic_load(&torture->recorded), results_lost,
           results_invented, fixture->grown, atomic_load(&torture->longest_ns) / 1000000);
    private_instance_remove(&fixture->names);
    unlink(fixture->config);
    /* A client that is stopped while it records may come too late for a generation that many others have pushed out. */
    bool well = torn + lost + poisoned + atomic_load(&torture->hung) + results_invented == 0 &&
                results_lost <= generations && !fixture->grown;
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
    static struct fixture fixture = {.options = {.seconds = 60, .grace_ms = 50, .fetcher = TORTURE_FETCHER}};
    argp_parse(&parser, argc, argv, 0, NULL, &fixture.options);
    begin(&fixture);
    rage(&fixture);
    return end(&fixture);
}
