/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Reports the result of a call, or of many, to a host of a route through the library, as applications do. "
    "RETCODE 0 is a success, any other a failure. These reports count like any others: hosts are ejected by "
    "them.\v"
    "The fetcher collects the reports within poll_interval_ms, or once it runs again. Results for a host that the "
    "route does not have are counted under \"other hosts\" and eject no host.\n\n"
    "Examples:\n"
    "  larshm report 1 2 10.0.0.1:8080 0\n"
    "  larshm report 1 2 10.0.0.1:8080 1 --count 10   enough to eject a host\n"
    "  larshm report 1 2 10.0.0.1:8080 -- -1          a negative RETCODE\n"
    "  larshm get 1 2                                 what came of it\n\n" EXIT_CODES_DOC;

enum {
    COUNT_MAX = 1000000000,
    ROOM_TRIES = 100, /* for room for another host, which the fetcher makes */
    ROOM_PAUSE_US = 10000,
};

static const struct argp_option options[] = {
    {"count", 'c', "N", 0, "report it N times", 0},
    {0},
};

struct arguments {
    struct common *common;
    struct route_key key;
    struct host_addr host;
    int32_t retcode;
    uint32_t count;
};

static int32_t take_retcode(const struct argp_state *state, const char *text)
{
    if (*text != '-')
        return (int32_t)take_number(state, "RETCODE", text, 0, INT32_MAX);
    return (int32_t) - (int64_t)take_number(state, "RETCODE (negative)", text + 1, 1, UINT32_C(1) << 31);
}

static error_t parse_word(struct arguments *arguments, char *arg, struct argp_state *state)
{
    switch (state->arg_num) {
    case 0:
    case 1:
        take_route_key(state, arg, &arguments->key);
        return 0;
    case 2:
        arguments->host = take_host(state, arg);
        return 0;
    case 3:
        arguments->retcode = take_retcode(state, arg);
        return 0;
    default:
        argp_error(state, "too many arguments: MODID CMDID IP:PORT RETCODE are all");
        return 0;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->count = take_number(state, "--count", arg, 1, COUNT_MAX);
        return 0;
    case ARGP_KEY_ARG:
        return parse_word(arguments, arg, state);
    case ARGP_KEY_END:
        if (state->arg_num < 4)
            argp_error(state, "MODID CMDID IP:PORT RETCODE are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "MODID CMDID IP:PORT RETCODE", doc, common_children,
                                 NULL,    NULL};

static int report(larshm *h, const larshm_host *host, int retcode)
{
    int code = larshm_report(h, host, retcode);
    for (int i = 0; code == LARSHM_FULL && i < ROOM_TRIES; i++) {
        usleep(ROOM_PAUSE_US);
        code = larshm_report(h, host, retcode);
    }
    return code;
}

static int print(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    const char *kind = arguments->retcode == 0 ? "success" : "failure";
    const char *plural = arguments->count == 1 ? "" : arguments->retcode == 0 ? "es" : "s";
    if (arguments->common->json)
        return json_print(json_pack(
            "{s:i, s:s, s:I, s:I, s:s, s:i, s:i, s:I}", "version", JSON_VERSION, "instance",
            arguments->common->instance, "modid", (json_int_t)key.modid, "cmdid", (json_int_t)key.cmdid, "ip",
            text_address(arguments->host.address).is, "port", (int)ntohs(arguments->host.port), "retcode",
            (int)arguments->retcode, "reported", (json_int_t)arguments->count));
    printf("route %" PRIu32 "/%" PRIu32 ": %s %s%s of %s reported\n", key.modid, key.cmdid,
           text_count(arguments->count).is, kind, plural, text_host(arguments->host).is);
    return EXIT_SUCCESS;
}

/* Warns when the results will not count for a host. */
static void warn_if_unknown(const struct arguments *arguments)
{
    const struct route_key key = arguments->key;
    struct route route;
    enum shm_status status = route_load(arguments->common->instance, key, &route);
    if (status == SHM_PENDING)
        say("route %" PRIu32 "/%" PRIu32 " is not cached, so this will be ignored: `larshm wait %" PRIu32
            " %" PRIu32 "` requests it",
            key.modid, key.cmdid, key.modid, key.cmdid);
    if (status != SHM_OK)
        return;
    if (route_find_host(&route, arguments->host) == route.host_count)
        say("route %" PRIu32 "/%" PRIu32 " has no host %s, so this counts under \"other hosts\"; it has: %s",
            key.modid, key.cmdid, text_host(arguments->host).is,
            route.host_count ? route_first_hosts(&route).is : "none");
    free(route.hosts);
}

int command_report(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common, .count = 1};
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code = larshm_open(&h, common->instance);
    if (code != LARSHM_OK)
        return fail_unopened(common, code);
    const larshm_host host = {arguments.key.modid, arguments.key.cmdid, arguments.host.address,
                              arguments.host.port};
    uint32_t done = 0;
    while (done < arguments.count && (code = report(h, &host, arguments.retcode)) == LARSHM_OK)
        done++;
    larshm_close(h);
    if (code == LARSHM_OK) {
        warn_if_unknown(&arguments);
        return print(&arguments);
    }
    if (done)
        say("%" PRIu32 " of %" PRIu32 " were reported", done, arguments.count);
    return fail_report(common, arguments.key, code);
}
