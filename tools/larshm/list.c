/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Shows routes, all of them or those of a MODID, one on each line, with their first hosts.\v"
    "STATE is new, pulling (the directory is being asked), expired (older than update_timeout), or none (the "
    "directory says that there is no such route). AGE counts from when the directory last confirmed the "
    "hosts. VERSION grows with each change.\n\n"
    "Examples:\n"
    "  larshm list\n"
    "  larshm list 7\n"
    "  larshm -j list     all hosts, one route on each line\n"
    "  larshm dump        for scripts\n\n" EXIT_CODES_DOC;

struct arguments {
    struct common *common;
    bool one_modid;
    uint32_t modid;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = arguments->common;
        return 0;
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
    struct libscols_table *table; /* NULL: JSON */
    uint64_t rows;
};

enum {
    COLUMNS = 7,
    CELL = 160
};

static int add_row(struct libscols_table *table, const struct route *route)
{
    char cells[COLUMNS][CELL];
    snprintf(cells[0], CELL, "%" PRIu32, route->modid);
    snprintf(cells[1], CELL, "%" PRIu32, route->cmdid);
    snprintf(cells[2], CELL, "%" PRIu32, route->host_count);
    snprintf(cells[3], CELL, "%s", route_condition_names[route->condition]);
    snprintf(cells[4], CELL, "%s", text_span(route->age_ms).is);
    snprintf(cells[5], CELL, "%" PRIu64, route->version);
    snprintf(cells[6], CELL, "%s", route->host_count ? route_first_hosts(route).is : "-");
    struct libscols_line *line = scols_table_new_line(table, NULL);
    int result = line ? 0 : -1;
    for (size_t i = 0; result == 0 && i < COLUMNS; i++)
        result = scols_line_set_data(line, i, cells[i]);
    return result;
}

/* As the only member that may be large, "routes" is printed one by one. */
static int print_element(const struct listing *listing, const struct route *route)
{
    fputs(listing->rows ? "," : "", stdout);
    return json_print_line(json_route(route));
}

static int on_route(void *context, const struct route *route)
{
    struct listing *listing = context;
    const struct arguments *arguments = listing->arguments;
    if (arguments->one_modid && route->modid != arguments->modid)
        return 0;
    int result = listing->table ? add_row(listing->table, route) : print_element(listing, route);
    listing->rows++;
    return result;
}

static struct libscols_table *new_table(void)
{
    static const struct {
        const char *name;
        int flags;
    } columns[COLUMNS] = {
        {"MODID", SCOLS_FL_RIGHT}, {"CMDID", SCOLS_FL_RIGHT},   {"HOSTS", SCOLS_FL_RIGHT}, {"STATE", 0},
        {"AGE", SCOLS_FL_RIGHT},   {"VERSION", SCOLS_FL_RIGHT}, {"ADDRESSES", 0},
    };
    struct libscols_table *table = scols_new_table();
    for (size_t i = 0; table && i < COLUMNS; i++) {
        if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags)) {
            scols_unref_table(table);
            table = NULL;
        }
    }
    return table;
}

static int list(const struct instance *instance, const struct arguments *arguments)
{
    struct listing listing = {.arguments = arguments};
    unsigned long damaged = 0;
    bool json = arguments->common->json;
    if (!json && !(listing.table = new_table()))
        return say_no_memory();
    if (json)
        printf("{\"version\":%d,\"instance\":\"%s\",\"routes\":[\n", JSON_VERSION, instance->name);
    int result = route_walk(&instance->routes, on_route, &listing, &damaged);
    if (json)
        puts("]}");
    else if (result == 0 && listing.rows)
        result = scols_print_table(listing.table);
    scols_unref_table(listing.table);
    if (result != 0)
        return result < 0 ? say_no_memory() : result;
    if (listing.rows == 0 && arguments->one_modid) {
        say("no routes of modid %" PRIu32
            " here: larshm looks only at what has been asked for; see `larshm list`",
            arguments->modid);
        return EXIT_NO_ROUTE;
    }
    if (listing.rows == 0 && !json)
        say("no routes yet: the first lookup of a route brings it here, try `larshm wait MODID CMDID`");
    return say_damaged(instance->name, damaged);
}

int command_list(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    struct instance instance;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    enum shm_status status = instance_open(common->instance, &instance);
    if (status != SHM_OK)
        return fail_unopened(common, (int)status);
    int code = list(&instance, &arguments);
    instance_close(&instance);
    return code;
}
