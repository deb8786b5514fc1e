/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/grid.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/host_health.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Shows routes, all of them or those of a MODID, one on each line, with their first hosts; and below it each "
    "host, where results of calls have been reported or a host has an override.\v"
    "STATE is new, pulling (a request is on its way), expired (older than update_timeout), held (an answer "
    "that takes too many hosts away is held back, [fetcher] empty_hold; why and for how long stands below, and "
    "`larshm route accept` ends it), or none (the directory says that there is no such "
    "route). AGE counts from when the directory last confirmed the hosts. VERSION grows with each change. "
    "SUCCESSES and FAILURES are all calls so far. HEALTH is the host's state, since when, and why. "
    "An overloaded host is out of rotation and only probed now and then. A spared one fails too, but stays in rotation: "
    "[loadbalance] max_ejected others of its route are out. An operator keeps a pinned host in "
    "rotation, and a drained one out of it and not probed.\n\n"
    "Examples:\n"
    "  larshm list\n"
    "  larshm list 7\n"
    "  larshm -j list     all hosts, one route on each line\n"
    "  larshm dump        for scripts\n\n"
    "Routes with hosts that are out of rotation:\n"
    "  larshm -j list | jq '.routes[] | select(any(.hosts[]; .in_turn == false))'\n\n" EXIT_CODES_DOC;

struct arguments {
    struct common *common;
    bool one_modid;
    uint32_t modid;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (arguments->one_modid)
            argp_error(state, "too many arguments: one MODID, or none; see also `larshm get --help`");
        arguments->modid = take_number(state, "MODID", arg, 0, UINT32_MAX);
        arguments->one_modid = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "[MODID]", doc, common_children, NULL, NULL};

struct listing {
    const struct arguments *arguments;
    const struct known_hosts *known;
    struct grid *grid; /* NULL: JSON */
    uint64_t rows;
};

/* What stands below a route's line, to be freed: its hold, and its hosts where something is known of them. NULL: no
 * memory. */
static char *text_below(const struct listing *listing, const struct route *route)
{
    char hold[384] = "", *hosts = NULL, *text = NULL;
    if (route->condition == ROUTE_IS_HELD)
        snprintf(hold, sizeof(hold), "      %sheld for another %s: the directory's last answer %s%s\n",
                 tint_on(TINT_WARNING), text_span(route->hold_left_ms).is,
                 route_hold_text(route->hold_reason), tint_off(TINT_WARNING));
    if (health_is_known(route, listing->known) && !(hosts = health_table(route, listing->known, "      ")))
        return NULL;
    if (asprintf(&text, "%s%s", hold, hosts ? hosts : "") < 0)
        text = NULL;
    free(hosts);
    return text;
}

static int add_row(const struct listing *listing, const struct route *route)
{
    char *below = text_below(listing, route);
    if (!below)
        return -1;
    char modid[16], cmdid[16], hosts[16], version[32];
    snprintf(modid, sizeof(modid), "%" PRIu32, route->key.modid);
    snprintf(cmdid, sizeof(cmdid), "%" PRIu32, route->key.cmdid);
    snprintf(hosts, sizeof(hosts), "%" PRIu32, route->host_count);
    snprintf(version, sizeof(version), "%" PRIu64, route->version);
    grid_row(listing->grid,
             (const char *[]){modid, cmdid, hosts, route_condition_names[route->condition],
                              text_span(route->age_ms).is, version,
                              route->host_count ? route_first_hosts(route).is : "-"},
             below);
    grid_tint(listing->grid, 3, route_tint(route->condition));
    if (route->host_count && route_count_out(route) == route->host_count)
        grid_tint(listing->grid, 6, TINT_TROUBLE);
    return 0;
}

/* "routes", the only member that may be large, is printed one by one. */
static int print_element(const struct listing *listing, const struct route *route)
{
    fputs(listing->rows ? "," : "", stdout);
    return json_print_line(json_route(route, listing->known));
}

static int on_route(void *context, const struct route *route)
{
    struct listing *listing = context;
    const struct arguments *arguments = listing->arguments;
    if (arguments->one_modid && route->key.modid != arguments->modid)
        return 0;
    int result = listing->grid ? add_row(listing, route) : print_element(listing, route);
    listing->rows++;
    return result;
}

static struct grid *new_grid(void)
{
    static const struct grid_column columns[] = {
        {"MODID", GRID_RIGHT}, {"CMDID", GRID_RIGHT},   {"HOSTS", GRID_RIGHT},   {"STATE", GRID_LEFT},
        {"AGE", GRID_RIGHT},   {"VERSION", GRID_RIGHT}, {"ADDRESSES", GRID_CUT},
    };
    return grid_new(columns, sizeof(columns) / sizeof(*columns));
}

static int list(const struct instance *instance, const struct arguments *arguments,
                const struct known_hosts *known)
{
    struct listing listing = {.arguments = arguments, .known = known};
    unsigned long damaged = 0;
    bool json = arguments->common->json;
    if (!json && !(listing.grid = new_grid()))
        return say_no_memory();
    if (json)
        printf("{\"version\":%d,\"instance\":\"%s\",\"routes\":[\n", JSON_VERSION, instance->name);
    int result = route_walk(&instance->routes, on_route, &listing, &damaged);
    if (json)
        puts("]}");
    else if (result == 0)
        result = grid_print(listing.grid);
    else
        grid_free(listing.grid);
    if (result != 0)
        return result < 0 ? say_no_memory() : result;
    if (listing.rows == 0 && arguments->one_modid) {
        say("no routes of modid %" PRIu32 " are cached: only what programs look up is; see `larshm list`",
            arguments->modid);
        return EXIT_NO_ROUTE;
    }
    if (listing.rows == 0 && !json)
        say("no routes yet: the first lookup of a route requests it, try `larshm wait MODID CMDID`");
    return say_damaged(instance->name, damaged);
}

static struct key_range modid_keys(const struct arguments *arguments)
{
    if (!arguments->one_modid)
        return (struct key_range){route_key(0, 0), ROUTE_KEY_NONE};
    return (struct key_range){route_key(arguments->modid, 0), route_key(arguments->modid, UINT32_MAX)};
}

int command_list(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    struct instance instance;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code = open_instance(common, &instance);
    if (code != EXIT_SUCCESS)
        return code;
    struct known_hosts known = known_hosts_or_none(common->instance, modid_keys(&arguments));
    code = list(&instance, &arguments, &known);
    known_hosts_free(&known);
    instance_close(&instance);
    return code;
}
