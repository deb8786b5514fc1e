/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/number.h"
#include "tools/larshm/admin.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Ends the hold of a route: the answer of the directory that was held back, since it took too many hosts away, is "
    "published at once on this machine.\v"
    "`larshm list` shows which routes are held, why, and for how long, and the fetcher's log what was held back: "
    "[fetcher] empty_hold and max_drop, see larshm.conf(5).\n\n"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin "
    "socket, see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path.\n\n"
    "With --all, all routes that are held; and where every directory is behind what was seen, the newest of them is "
    "believed now, and not only after [fetcher] behind_hold.\n\n"
    "Examples:\n"
    "  larshm route accept --all\n"
    "  larshm-dns --db routes.db route del 1 2 && larshm route accept 1 2\n\n" EXIT_CODES_DOC;

enum {
    OPTION_ALL = 256
};

static const struct argp_option options[] = {{"all", OPTION_ALL, NULL, 0, "All routes that are held", 0},
                                             {0}};

struct arguments {
    struct common *common;
    bool all;
    struct route_key key;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_ALL:
        arguments->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0 && strcmp(arg, "accept") != 0)
            argp_error(state, "unknown action '%s': accept", arg);
        else if (state->arg_num == 1)
            arguments->key.modid = take_number(state, "MODID", arg, 0, UINT32_MAX);
        else if (state->arg_num == 2)
            arguments->key.cmdid = take_number(state, "CMDID", arg, 0, UINT32_MAX);
        else if (state->arg_num > 2)
            argp_error(state, "too many arguments: accept and MODID CMDID are all");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num != (arguments->all ? 1 : 3))
            argp_error(state, "accept MODID CMDID, or accept --all, are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "accept MODID CMDID\naccept --all", doc, common_children,
                                 NULL,    NULL};

static int print(const struct arguments *arguments, const json_t *answer)
{
    const struct route_key key = arguments->key;
    json_int_t hosts = json_integer_value(json_object_get(answer, "hosts"));
    if (arguments->common->json)
        return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I}", "version", JSON_VERSION, "instance",
                                    arguments->common->instance, "modid", (json_int_t)key.modid, "cmdid",
                                    (json_int_t)key.cmdid, "hosts", hosts));
    printf("route %" PRIu32 "/%" PRIu32
           ": the answer that was held back is published, with %" JSON_INTEGER_FORMAT " host%s\n",
           key.modid, key.cmdid, hosts, number_plural((uint64_t)hosts));
    return EXIT_SUCCESS;
}

static int print_all(const struct arguments *arguments, const json_t *answer)
{
    json_int_t routes = json_integer_value(json_object_get(answer, "routes"));
    if (arguments->common->json)
        return json_print(json_pack("{s:i, s:s, s:I}", "version", JSON_VERSION, "instance",
                                    arguments->common->instance, "routes", routes));
    printf("the answers that were held back are published, of %" JSON_INTEGER_FORMAT " route%s\n", routes,
           number_plural((uint64_t)routes));
    return EXIT_SUCCESS;
}

static int fail_refused(const struct arguments *arguments, const json_t *answer)
{
    const struct route_key key = arguments->key;
    const char *code = admin_code(answer);
    if (strcmp(code, "no_hold") == 0 && arguments->all)
        return fail(arguments->common, EXIT_NO_ROUTE, "no answer is held back: see `larshm list`");
    if (strcmp(code, "no_hold") == 0)
        return fail(arguments->common, EXIT_NO_ROUTE,
                    "route %" PRIu32 "/%" PRIu32
                    ": no answer is held back, the last one is published already: see `larshm list %" PRIu32
                    "`",
                    key.modid, key.cmdid, key.modid);
    return admin_fail_refused(arguments->common, key, answer);
}

int command_route(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    json_t *request =
        arguments.all ? json_pack("{s:i, s:s}", "version", 1, "command", "accept_all")
                      : json_pack("{s:i, s:s, s:I, s:I}", "version", 1, "command", "accept", "modid",
                                  (json_int_t)arguments.key.modid, "cmdid", (json_int_t)arguments.key.cmdid);
    int code = admin_send(common, request, &answer);
    if (code != EXIT_SUCCESS)
        return code;
    if (admin_code(answer))
        code = fail_refused(&arguments, answer);
    else
        code = arguments.all ? print_all(&arguments, answer) : print(&arguments, answer);
    json_decref(answer);
    return code;
}
