/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/saturating.h"
#include "tools/common/grid.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Shows how many calls succeeded and failed, by route and host, as applications have reported them: running "
    "totals, which continue over ejections of a host and restarts of the fetcher.\v"
    "The line \"other hosts\" has results for hosts that the route does not have, or no more; \"all\" is the sum "
    "of the route. A host that is removed from its route and added again starts at 0: what it had stays in \"other hosts\". "
    "What has been reported shows once the fetcher has collected it, poll_interval_ms later.\n\n"
    "Examples:\n"
    "  larshm stats\n"
    "  larshm stats 1 2\n"
    "  larshm -j stats | jq '.routes[] | select(.total_err > .total_succ)'\n\n" EXIT_CODES_DOC;

struct arguments {
    struct common *common;
    unsigned words;
    struct route_key key;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        take_route_key(state, arg, &arguments->key);
        arguments->words++;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "[MODID [CMDID]]", doc, common_children, NULL, NULL};

static struct key_range keys_of(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    if (arguments->words == 0)
        return (struct key_range){route_key(0, 0), ROUTE_KEY_NONE};
    if (arguments->words == 1)
        return (struct key_range){route_key(key.modid, 0), route_key(key.modid, UINT32_MAX)};
    return (struct key_range){key, key};
}

struct totals {
    uint64_t succ, err;
};

static struct totals totals_of(const struct known_host *entry)
{
    return (struct totals){entry->health.total_succ, entry->health.total_err};
}

/* The entries of one route, the first of them at `route`. */
static struct totals sum_of(const struct known_host *route, size_t count)
{
    struct totals all = {0};
    for (size_t i = 0; i < count; i++)
        all = (struct totals){saturating_add(all.succ, totals_of(&route[i]).succ),
                              saturating_add(all.err, totals_of(&route[i]).err)};
    return all;
}

static void add_row(struct grid *grid, struct route_key key, const char *host, struct totals totals)
{
    char modid[16], cmdid[16];
    snprintf(modid, sizeof(modid), "%" PRIu32, key.modid);
    snprintf(cmdid, sizeof(cmdid), "%" PRIu32, key.cmdid);
    grid_row(grid,
             (const char *[]){modid, cmdid, host, text_count(totals.succ).is, text_count(totals.err).is,
                              text_percent(totals.err, saturating_add(totals.succ, totals.err)).is},
             NULL);
}

/* Hosts that the route does not have come first, and are shown last. */
static void add_route(struct grid *grid, const struct known_host *route, size_t count)
{
    struct totals other = {0};
    for (size_t i = 0; i < count; i++)
        if (!host_addr_is_none(route[i].host))
            add_row(grid, route->key, text_host(route[i].host).is, totals_of(&route[i]));
        else
            other = totals_of(&route[i]);
    if (other.succ || other.err)
        add_row(grid, route->key, "other hosts", other);
    add_row(grid, route->key, "all", sum_of(route, count));
}

static int print_text(const struct known_hosts *known)
{
    static const struct grid_column columns[] = {{"MODID", GRID_RIGHT},    {"CMDID", GRID_RIGHT},
                                                 {"HOST", GRID_LEFT},      {"SUCCESSES", GRID_RIGHT},
                                                 {"FAILURES", GRID_RIGHT}, {"FAIL%", GRID_RIGHT}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    for (size_t at = 0, count; at < known->count; at += count) {
        const struct known_host *route = known_hosts_of(known, known->entries[at].key, &count);
        add_route(grid, route, count);
    }
    return grid_print(grid) == 0 ? EXIT_SUCCESS : say_no_memory();
}

static json_t *json_totals(struct totals totals)
{
    uint64_t calls = saturating_add(totals.succ, totals.err);
    return json_pack("{s:I, s:I, s:o}", "total_succ", json_number(totals.succ), "total_err",
                     json_number(totals.err), "fail_share",
                     calls ? json_real((double)totals.err / (double)calls) : json_null());
}

static json_t *json_host_totals(const struct known_host *entry)
{
    json_t *host = json_host(entry->host);
    if (json_object_update_new(host, json_totals(totals_of(entry))) == 0)
        return host;
    json_decref(host);
    return NULL;
}

static json_t *json_of_route(const struct known_host *route, size_t count)
{
    struct totals other = {0};
    json_t *hosts = json_array();
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        if (!host_addr_is_none(route[i].host))
            result = json_array_append_new(hosts, json_host_totals(&route[i]));
        else
            other = totals_of(&route[i]);
    json_t *object =
        json_pack("{s:I, s:I}", "modid", (json_int_t)route->key.modid, "cmdid", (json_int_t)route->key.cmdid);
    if (result == 0)
        result = json_object_update_new(object, json_totals(sum_of(route, count)));
    if (result == 0)
        result = json_object_update_new(
            object, json_pack("{s:O, s:o}", "hosts", hosts, "other_hosts", json_totals(other)));
    json_decref(hosts);
    if (result == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* As the only member that may be large, "routes" is printed one by one. */
static int print_json(const struct common *common, const struct known_hosts *known)
{
    int code = EXIT_SUCCESS;
    printf("{\"version\":%d,\"instance\":\"%s\",\"routes\":[\n", JSON_VERSION, common->instance);
    for (size_t at = 0, count; code == EXIT_SUCCESS && at < known->count; at += count) {
        const struct known_host *route = known_hosts_of(known, known->entries[at].key, &count);
        fputs(at ? "," : "", stdout);
        code = json_print_line(json_of_route(route, count));
    }
    puts("]}");
    return code;
}

static int explain_none(const struct arguments *arguments)
{
    if (arguments->words == 0) {
        say("no results yet: applications report them with larshm_report(), you with `larshm report`");
        return EXIT_SUCCESS;
    }
    say("no results of %s: see `larshm stats`", arguments->words == 1 ? "this modid" : "this route");
    return EXIT_NO_ROUTE;
}

int command_stats(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    struct known_hosts known;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    enum shm_status status = known_hosts_read(common->instance, keys_of(&arguments), &known);
    if (status != SHM_OK)
        return fail_hosts(common, status);
    int code = EXIT_SUCCESS;
    if (common->json)
        code = print_json(common, &known);
    else if (known.count)
        code = print_text(&known);
    if (code == EXIT_SUCCESS && known.count == 0 && (!common->json || arguments.words))
        code = explain_none(&arguments);
    known_hosts_free(&known);
    return code;
}
