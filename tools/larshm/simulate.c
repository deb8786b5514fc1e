/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/number.h"
#include "shm/layout.h"
#include "tools/common/grid.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/interrupt.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Simulates calls of a route: gets a host, and reports that the call succeeded or failed; shows successes and "
    "failures of each host. ERRRATE, 0 to 10, is how many in ten calls fail; 0 if not given. COUNT is how many "
    "calls; 1000 if not given, a millisecond apart. No host is contacted, but the fetcher counts these "
    "reports as any others: a high ERRRATE ejects hosts for all programs of this machine.\v"
    "Ctrl-C ends it with the result so far. The exit code is 7 if no host was given at all.\n\n"
    "Examples:\n"
    "  larshm simulate 1 2          do lookups and reports work?\n"
    "  larshm simulate 1 2 5 2000   half of all calls fail: how are hosts ejected?\n"
    "  larshm stats 1 2             the totals afterwards\n\n" EXIT_CODES_DOC;

enum {
    RATE_MAX = 10,
    COUNT_MAX = 1000000000,
    DEFAULT_COUNT = 1000,
    PAUSE_US = 1000, /* between calls: the fetcher has a chance to eject in between */
    WAIT_MS = 3000,  /* for a route that is not cached yet */
};

struct simulated_host {
    struct host_addr host;
    uint32_t succ, err;
};

struct simulation {
    struct common *common;
    struct route_key key;
    uint32_t rate, count;
    struct simulated_host *hosts; /* [HOSTS_MAX], by address */
    size_t host_count;
    uint32_t calls, overloaded, failed;
    int failure; /* the last of those that failed */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct simulation *simulation = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num == 2)
            simulation->rate = take_number(state, "ERRRATE", arg, 0, RATE_MAX);
        else if (state->arg_num == 3)
            simulation->count = take_number(state, "COUNT", arg, 1, COUNT_MAX);
        else if (state->arg_num > 3)
            argp_error(state, "too many arguments: MODID CMDID ERRRATE COUNT are all");
        else
            take_route_key(state, arg, &simulation->key);
        return 0;
    case ARGP_KEY_END:
        take_route_key(state, NULL, &simulation->key);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "MODID CMDID [ERRRATE] [COUNT]", doc, common_children,
                                 NULL, NULL};

/* The host's counts, begun with 0 if it is new. NULL: more hosts came than one route can have. */
static struct simulated_host *find_host(struct simulation *simulation, struct host_addr host)
{
    size_t low = 0, high = simulation->host_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (host_addr_order(simulation->hosts[middle].host) < host_addr_order(host))
            low = middle + 1;
        else
            high = middle;
    }
    struct simulated_host *found = &simulation->hosts[low];
    if (low < simulation->host_count && host_addr_order(found->host) == host_addr_order(host))
        return found;
    if (simulation->host_count == HOSTS_MAX)
        return NULL;
    memmove(found + 1, found, (simulation->host_count++ - low) * sizeof(*found));
    *found = (struct simulated_host){.host = host};
    return found;
}

/* All hosts that the route begins with: those that are never picked are shown too. */
static int learn_hosts(larshm *h, struct simulation *simulation)
{
    const struct route_key key = simulation->key;
    larshm_host *found = malloc(HOSTS_MAX * sizeof(*found));
    size_t count = 0;
    if (!found)
        return LARSHM_SYSTEM_ERROR;
    int code = larshm_wait_route(h, key.modid, key.cmdid, WAIT_MS);
    if (code == LARSHM_OK)
        code = larshm_get_route(h, key.modid, key.cmdid, found, HOSTS_MAX, &count);
    for (size_t i = 0; code == LARSHM_OK && i < count; i++)
        find_host(simulation, (struct host_addr){found[i].addr, found[i].port});
    free(found);
    return code;
}

/* One call. A code other than success or OVERLOAD is counted; the route may come back. */
static int call(larshm *h, struct simulation *simulation)
{
    const struct route_key key = simulation->key;
    larshm_host host;
    int code = larshm_get_host(h, key.modid, key.cmdid, &host);
    simulation->calls++;
    if (code == LARSHM_OVERLOAD) {
        simulation->overloaded++;
    } else if (code != LARSHM_OK) {
        simulation->failed++;
        simulation->failure = code;
    }
    if (code != LARSHM_OK)
        return LARSHM_OK;
    bool fails = (uint32_t)(random() % RATE_MAX) < simulation->rate;
    struct simulated_host *counts = find_host(simulation, (struct host_addr){host.addr, host.port});
    if (counts)
        ++*(fails ? &counts->err : &counts->succ);
    return larshm_report(h, &host, fails);
}

static int print_text(const struct simulation *simulation)
{
    static const struct grid_column columns[] = {
        {"HOST", GRID_LEFT}, {"SUCCESSES", GRID_RIGHT}, {"FAILURES", GRID_RIGHT}, {"SHARE", GRID_RIGHT}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    uint32_t given = simulation->calls - simulation->overloaded - simulation->failed;
    for (size_t i = 0; i < simulation->host_count; i++) {
        const struct simulated_host *counts = &simulation->hosts[i];
        grid_row(grid,
                 (const char *[]){text_host(counts->host).is, text_count(counts->succ).is,
                                  text_count(counts->err).is,
                                  text_percent((uint64_t)counts->succ + counts->err, given).is},
                 NULL);
    }
    int code = grid_print(grid) == 0 ? EXIT_SUCCESS : say_no_memory();
    if (code != EXIT_SUCCESS)
        return code;
    printf("%s call%s, %s answered with OVERLOAD\n", text_count(simulation->calls).is,
           number_plural(simulation->calls), text_count(simulation->overloaded).is);
    return EXIT_SUCCESS;
}

static json_t *json_hosts(const struct simulation *simulation)
{
    json_t *hosts = json_array();
    for (size_t i = 0; hosts && i < simulation->host_count; i++) {
        const struct simulated_host *counts = &simulation->hosts[i];
        json_t *host = json_host(counts->host);
        json_object_update_new(
            host, json_pack("{s:I, s:I}", "succ", (json_int_t)counts->succ, "err", (json_int_t)counts->err));
        if (json_array_append_new(hosts, host) != 0) {
            json_decref(hosts);
            hosts = NULL;
        }
    }
    return hosts;
}

static int print_json(const struct simulation *simulation)
{
    return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "version", JSON_VERSION,
                                "instance", simulation->common->instance, "modid",
                                (json_int_t)simulation->key.modid, "cmdid", (json_int_t)simulation->key.cmdid,
                                "calls", (json_int_t)simulation->calls, "overloaded",
                                (json_int_t)simulation->overloaded, "failed", (json_int_t)simulation->failed,
                                "hosts", json_hosts(simulation)));
}

static int finish(const struct simulation *simulation)
{
    if (simulation->overloaded == simulation->calls && simulation->calls)
        return fail_lookup(simulation->common, simulation->key, LARSHM_OVERLOAD);
    if (simulation->failed == simulation->calls && simulation->calls)
        return fail_lookup(simulation->common, simulation->key, simulation->failure);
    if (simulation->failed)
        say("%" PRIu32 " of %" PRIu32 " call%s got no host: %s", simulation->failed, simulation->calls,
            number_plural(simulation->calls), larshm_strerror(simulation->failure));
    return simulation->common->json ? print_json(simulation) : print_text(simulation);
}

static int simulate(larshm *h, struct simulation *simulation)
{
    int code = learn_hosts(h, simulation);
    if (code != LARSHM_OK)
        return fail_lookup(simulation->common, simulation->key, code);
    interrupt_catch();
    while (simulation->calls < simulation->count && !interrupted()) {
        code = call(h, simulation);
        if (code != LARSHM_OK)
            return fail_report(simulation->common, simulation->key, code);
        usleep(PAUSE_US);
    }
    return finish(simulation);
}

int command_simulate(struct common *common, int argc, char **argv)
{
    struct simulation simulation = {.common = common, .count = DEFAULT_COUNT};
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &simulation) != 0)
        return EXIT_USAGE;
    simulation.hosts = calloc(HOSTS_MAX, sizeof(*simulation.hosts));
    if (!simulation.hosts)
        return say_no_memory();
    int code = larshm_open(&h, common->instance);
    code = code == LARSHM_OK ? simulate(h, &simulation) : fail_unopened(common, code);
    larshm_close(h);
    free(simulation.hosts);
    return code;
}
