/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <larshm/larshm.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "shm/clock.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Requests a route and waits until the directory has answered, and before that for the first fetcher: exit code 0 "
    "when the route has hosts, 2 when there is no such route; when the time is up 3 if no fetcher has run, else 124.\v"
    "Examples:\n"
    "  larshm wait 1 2 && larshm get 1 2\n"
    "  larshm wait 1 2 -t 10000\n\n" EXIT_CODES_DOC;

enum {
    DEFAULT_MS = 3000
};

static const struct argp_option options[] = {
    {"timeout", 't', "MS", 0, "wait for at most so many milliseconds; 3000 if not given", 0},
    {0},
};

struct arguments {
    struct common *common;
    struct route_key key;
    uint32_t timeout_ms;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 't':
        arguments->timeout_ms = take_number(state, "--timeout", arg, 0, INT_MAX);
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        take_route_key(state, arg, &arguments->key);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "MODID CMDID", doc, common_children, NULL, NULL};

static int print(const struct arguments *arguments, uint32_t hosts, uint64_t waited_ms)
{
    const struct route_key key = arguments->key;
    if (arguments->common->json)
        return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "version", JSON_VERSION, "instance",
                                    arguments->common->instance, "modid", (json_int_t)key.modid, "cmdid",
                                    (json_int_t)key.cmdid, "hosts", (json_int_t)hosts, "waited_ms",
                                    json_number(waited_ms)));
    printf("route %" PRIu32 "/%" PRIu32 ": %" PRIu32 " host%s after %s\n", key.modid, key.cmdid, hosts,
           number_plural(hosts), text_span(waited_ms).is);
    return EXIT_SUCCESS;
}

static int left(uint64_t start, uint32_t timeout_ms)
{
    uint64_t passed = clock_tick() - start;
    return passed < timeout_ms ? (int)(timeout_ms - passed) : 0;
}

int command_wait(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common, .timeout_ms = DEFAULT_MS};
    larshm_route_info info;
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    uint64_t start = clock_tick();
    int code = larshm_open_wait(&h, common->instance, (int)arguments.timeout_ms);
    if (code != LARSHM_OK)
        return fail_unopened(common, code);
    code = larshm_wait_route(h, arguments.key.modid, arguments.key.cmdid, left(start, arguments.timeout_ms));
    uint64_t waited = clock_tick() - start;
    if (code == LARSHM_OK)
        code = larshm_info(h, arguments.key.modid, arguments.key.cmdid, &info);
    code =
        code == LARSHM_OK ? print(&arguments, info.hosts, waited) : fail_lookup(common, arguments.key, code);
    larshm_close(h);
    return code;
}
