/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "tools/larshm/admin.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Has the fetcher request a route from the directory now, whether it is cached or not, and says what has come: exit "
    "code 0 when the route has hosts, 2 when the directory has no such route, 8 when the fetcher is not connected to "
    "the directory, 124 when that has not answered within 3 seconds.\v"
    "An answer that takes too many hosts away is held back as any other: `larshm route accept` ends that.\n\n"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin socket, "
    "see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path. Programs use `larshm wait`, and need no rights for "
    "that but to look routes up.\n\n"
    "Examples:\n"
    "  larshm refresh 1 2\n"
    "  larshm dump | awk '$1 == 7 { print $1, $2 }' | xargs -L 1 larshm refresh\n\n" EXIT_CODES_DOC;

struct arguments {
    struct common *common;
    struct route_key key;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        take_route_key(state, arg, &arguments->key);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "MODID CMDID", doc, common_children, NULL, NULL};

static json_int_t number(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(answer, name));
}

static void print_text(struct route_key key, const char *result, const json_t *answer)
{
    const json_int_t hosts = number(answer, "hosts"), added = number(answer, "added"),
                     removed = number(answer, "removed");
    printf("route %" PRIu32 "/%" PRIu32 ": ", key.modid, key.cmdid);
    if (strcmp(result, "held") == 0)
        printf("the answer is held back, it takes %" JSON_INTEGER_FORMAT " host%s away: `larshm list %" PRIu32
               "` says why and for how long\n",
               removed, number_plural((uint64_t)removed), key.modid);
    else if (strcmp(result, "changed") == 0)
        printf("%" JSON_INTEGER_FORMAT " host%s: %" JSON_INTEGER_FORMAT " new, %" JSON_INTEGER_FORMAT
               " gone\n",
               hosts, number_plural((uint64_t)hosts), added, removed);
    else
        printf("%" JSON_INTEGER_FORMAT " host%s, %s\n", hosts, number_plural((uint64_t)hosts),
               strcmp(result, "cached") == 0 ? "cached now" : "unchanged");
}

static int print(const struct arguments *arguments, const json_t *answer)
{
    const struct route_key key = arguments->key;
    const char *result = json_string_value(json_object_get(answer, "result"));
    if (result && strcmp(result, "none") == 0)
        return fail_lookup(arguments->common, key, LARSHM_NOEXIST);
    if (arguments->common->json)
        return json_print(json_pack("{s:i, s:s, s:I, s:I, s:s, s:I, s:I, s:I}", "version", JSON_VERSION,
                                    "instance", arguments->common->instance, "modid", (json_int_t)key.modid,
                                    "cmdid", (json_int_t)key.cmdid, "result", result ? result : "", "hosts",
                                    number(answer, "hosts"), "added", number(answer, "added"), "removed",
                                    number(answer, "removed")));
    print_text(key, result ? result : "", answer);
    return EXIT_SUCCESS;
}

static int fail_refused(const struct common *common, const json_t *answer)
{
    const char *code = admin_code(answer);
    int exit_code = strcmp(code, "not_connected") == 0 ? EXIT_CUT_OFF
                    : strcmp(code, "timed_out") == 0   ? EXIT_TIMED_OUT
                    : strcmp(code, "full") == 0        ? EXIT_AT_LIMIT
                                                       : EXIT_USAGE;
    return fail(common, exit_code, "%s%s", admin_error(answer),
                exit_code == EXIT_CUT_OFF || exit_code == EXIT_TIMED_OUT
                    ? ": `larshm show` says how it is, `larshm reload` has a fetcher connect at once"
                    : "");
}

int command_refresh(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code =
        admin_send(common,
                   json_pack("{s:i, s:s, s:I, s:I}", "version", 1, "command", "refresh", "modid",
                             (json_int_t)arguments.key.modid, "cmdid", (json_int_t)arguments.key.cmdid),
                   &answer);
    if (code != EXIT_SUCCESS)
        return code;
    code = admin_code(answer) ? fail_refused(common, answer) : print(&arguments, answer);
    json_decref(answer);
    return code;
}
