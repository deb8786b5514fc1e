/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Prints all routes for scripts: a line each, sorted by modid and cmdid, fields separated by one tab, no "
    "header. Prints nothing if there are no routes.\v"
    "Fields, to which later versions only append:\n"
    "  1 modid\n"
    "  2 cmdid\n"
    "  3 version           grows with each change of the hosts\n"
    "  4 state             new, pulling, expired, held, or none: no such route\n"
    "  5 age_ms            since the directory last confirmed the hosts\n"
    "  6 update_timeout_s  older than this, the route is expired\n"
    "  7 host_count\n"
    "  8 hosts             ip:port, separated by commas; \"-\" if there are none\n\n"
    "Examples:\n"
    "  larshm dump | awk -F'\\t' '$4 == \"expired\" { print $1, $2 }'\n"
    "  larshm dump | cut -f 8 | tr , '\\n' | sort -u\n\n" EXIT_CODES_DOC;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const struct common *common = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_END:
        if (common->json)
            argp_error(state, "dump has one format: use `larshm -j list` for JSON");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "", doc, common_children, NULL, NULL};

static int print_route(void *context, const struct route *route)
{
    (void)context;
    printf("%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%s\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu32 "\t",
           route->key.modid, route->key.cmdid, route->version, route_condition_names[route->condition],
           route->age_ms, route->update_timeout_s, route->host_count);
    for (uint32_t i = 0; i < route->host_count; i++)
        printf("%s%s", i ? "," : "", text_host(route->hosts[i]).is);
    puts(route->host_count ? "" : "-");
    return 0;
}

int command_dump(struct common *common, int argc, char **argv)
{
    struct instance instance;
    unsigned long damaged = 0;
    if (argp_parse(&argp, argc, argv, 0, NULL, common) != 0)
        return EXIT_USAGE;
    int code = open_instance(common, &instance);
    if (code != EXIT_SUCCESS)
        return code;
    int result = route_walk(&instance.routes, print_route, NULL, &damaged);
    instance_close(&instance);
    return result == 0 ? say_damaged(common->instance, damaged) : say_no_memory();
}
