/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/larshm/admin.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/host_health.h"
#include "tools/larshm/json.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Overrides what calls say about a host of a route, through the fetcher. Lasts over restarts of the fetcher, "
    "and over a directory that removes the host and adds it again.\v"
    "Actions:\n"
    "  pin    the host is picked whatever its calls say\n"
    "  drain  the host is neither picked nor probed: before its maintenance\n"
    "  clear  its calls decide again\n\n"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin "
    "socket, see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path.\n\n"
    "Examples:\n"
    "  larshm host drain 1 2 10.0.0.1:8080\n"
    "  larshm list 1                          which hosts have an override\n"
    "  larshm host clear 1 2 10.0.0.1:8080\n\n" EXIT_CODES_DOC;

static const struct {
    const char *name;
    const char *done;
    enum host_override override;
} verbs[] = {
    {"pin", "is pinned: picked whatever its calls say", OVERRIDE_PINNED},
    {"drain", "is drained: neither picked nor probed", OVERRIDE_DRAINED},
    {"clear", "has no override: its calls decide", OVERRIDE_NONE},
};

enum {
    VERBS = sizeof(verbs) / sizeof(*verbs)
};

struct arguments {
    struct common *common;
    size_t verb;
    struct route_key key;
    struct host_addr host;
};

static size_t take_verb(const struct argp_state *state, const char *text)
{
    size_t verb = 0;
    while (verb < VERBS && strcmp(verbs[verb].name, text) != 0)
        verb++;
    if (verb == VERBS)
        argp_error(state, "unknown action '%s': pin, drain or clear", text);
    return verb;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            arguments->verb = take_verb(state, arg);
        else if (state->arg_num == 1)
            arguments->key.modid = take_number(state, "MODID", arg, 0, UINT32_MAX);
        else if (state->arg_num == 2)
            arguments->key.cmdid = take_number(state, "CMDID", arg, 0, UINT32_MAX);
        else if (state->arg_num == 3)
            arguments->host = take_host(state, arg);
        else
            argp_error(state, "too many arguments: an action and MODID CMDID IP:PORT are all");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 4)
            argp_error(state, "an action (pin, drain or clear) and MODID CMDID IP:PORT are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "pin|drain|clear MODID CMDID IP:PORT", doc, common_children,
                                 NULL, NULL};

/* Says so when no host is left to be picked. */
static void warn_if_last(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    struct route route;
    if (route_load(arguments->common->instance, key, &route) != SHM_OK)
        return;
    if (route.host_count && route_count_out(&route) == route.host_count)
        say("route %" PRIu32 "/%" PRIu32 ": no host is left in rotation, so lookups return OVERLOAD",
            key.modid, key.cmdid);
    free(route.hosts);
}

static int print(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    warn_if_last(arguments);
    if (arguments->common->json)
        return json_print(json_pack(
            "{s:i, s:s, s:I, s:I, s:s, s:i, s:s}", "version", JSON_VERSION, "instance",
            arguments->common->instance, "modid", (json_int_t)key.modid, "cmdid", (json_int_t)key.cmdid, "ip",
            text_address(arguments->host.address).is, "port", (int)ntohs(arguments->host.port), "hold",
            health_overrides[verbs[arguments->verb].override]));
    printf("route %" PRIu32 "/%" PRIu32 ": %s %s\n", key.modid, key.cmdid, text_host(arguments->host).is,
           verbs[arguments->verb].done);
    return EXIT_SUCCESS;
}

static int fail_no_host(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    struct route route = {0};
    route_load(arguments->common->instance, key, &route);
    int code = fail(arguments->common, EXIT_NO_ROUTE,
                    "route %" PRIu32 "/%" PRIu32 " has no host %s; it has: %s", key.modid, key.cmdid,
                    text_host(arguments->host).is, route.host_count ? route_first_hosts(&route).is : "none");
    free(route.hosts);
    return code;
}

static int fail_refused(const struct arguments *arguments, const json_t *answer)
{
    const struct route_key key = arguments->key;
    const char *code = admin_code(answer);
    if (strcmp(code, "no_such_host") == 0)
        return fail_no_host(arguments);
    return admin_fail_refused(arguments->common, key, answer);
}

int command_host(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    json_t *request = json_pack("{s:i, s:s, s:I, s:I, s:s}", "version", 1, "command",
                                verbs[arguments.verb].name, "modid", (json_int_t)arguments.key.modid, "cmdid",
                                (json_int_t)arguments.key.cmdid, "host", text_host(arguments.host).is);
    int code = admin_send(common, request, &answer);
    if (code != EXIT_SUCCESS)
        return code;
    code = admin_code(answer) ? fail_refused(&arguments, answer) : print(&arguments);
    json_decref(answer);
    return code;
}
