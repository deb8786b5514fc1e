/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/order.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/health.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/json.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Holds a host of a route in or out of the turn by hand, through the fetcher. Kept over restarts of the "
    "fetcher, and if the directory takes the host away and brings it back.\v"
    "Orders:\n"
    "  pin    the host is picked whatever its calls tell\n"
    "  drain  the host is neither picked nor tried: as before its maintenance\n"
    "  clear  its calls decide again\n\n"
    "Only root and the user of larshm-fetcher may do this. The fetcher must be running: if it has not done it "
    "within 2 seconds, the exit code is 124, and the order is to be given again when one runs.\n\n"
    "Examples:\n"
    "  larshm host drain 1 2 10.0.0.1:8080\n"
    "  larshm list 1                          which hosts are held\n"
    "  larshm host clear 1 2 10.0.0.1:8080\n\n" EXIT_CODES_DOC;

enum {
    PATIENCE_MS = 2000
};

static const struct {
    const char *name;
    const char *done;
    enum host_override override;
} verbs[] = {
    {"pin", "is pinned: picked whatever its calls tell", OVERRIDE_PINNED},
    {"drain", "is drained: neither picked nor tried", OVERRIDE_DRAINED},
    {"clear", "is held no more: its calls decide", OVERRIDE_NONE},
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
        argp_error(state, "'%s' is no order: pin, drain or clear", text);
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
            argp_error(state, "too many arguments: an order and MODID CMDID IP:PORT are all");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 4)
            argp_error(state, "an order (pin, drain or clear) and MODID CMDID IP:PORT are needed");
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
        say("route %" PRIu32 "/%" PRIu32
            ": no host is left in the turn, so lookups are answered with OVERLOAD",
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

static int finish(const struct arguments *arguments, enum order_result result)
{
    const struct route_key key = arguments->key;
    switch (result) {
    case ORDER_DONE:
        return print(arguments);
    case ORDER_NO_ROUTE:
        return fail(arguments->common, EXIT_NO_ROUTE,
                    "route %" PRIu32 "/%" PRIu32 " is not here: `larshm wait %" PRIu32 " %" PRIu32
                    "` brings it",
                    key.modid, key.cmdid, key.modid, key.cmdid);
    case ORDER_NO_HOST:
        return fail_no_host(arguments);
    default:
        return fail(arguments->common, EXIT_USAGE,
                    "no room to remember another host: raise [shm] max_bytes, or free some of /dev/shm");
    }
}

static int fail_order(const struct common *common, enum shm_status status)
{
    if (status == SHM_NO_PERMISSION)
        return fail(
            common, EXIT_PERMISSION,
            "no permission: only root and the user of larshm-fetcher, who owns /dev/shm/larshm.%s.hosts, "
            "may hold hosts",
            common->instance);
    if (status == SHM_TIMEOUT)
        return fail(
            common, EXIT_TIMED_OUT,
            "no fetcher has taken the order within %d s, see `larshm show`: give it again when a fetcher runs; "
            "only one that was stopped and goes on still does it, a new one does not",
            PATIENCE_MS / 1000);
    return fail_hosts(common, status);
}

int command_host(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    const struct order order = {
        .key = arguments.key,
        .host = arguments.host,
        .override = verbs[arguments.verb].override,
    };
    const struct trust trust = instance_trust(0022);
    enum order_result result;
    enum shm_status status = order_give(common->instance, &trust, &order, PATIENCE_MS, &result);
    return status == SHM_OK ? finish(&arguments, result) : fail_order(common, status);
}
