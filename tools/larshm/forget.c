/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "tools/larshm/admin.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Has a route leave the cache of this machine: it is not requested again after a reconnect, and soon it is not cached "
    "any more. The next program that looks it up requests it like a new one.\v"
    "Until it has left, which the command says, the route is served. A program that looks it up meanwhile and finds it "
    "expired keeps it; so it is for routes that are out of use. An answer that is held back is dropped, pins and drains of hosts stay "
    "and count when the route is back. [fetcher] unused_timeout in larshm.conf(5) does the same by itself.\n\n"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin socket, "
    "see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path.\n\n"
    "Examples:\n"
    "  larshm forget 1 2\n"
    "  larshm dump | awk '$1 == 7 { print $1, $2 }' | xargs -L 1 larshm forget\n\n" EXIT_CODES_DOC;

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

static int print(const struct arguments *arguments, const json_t *answer)
{
    const struct route_key key = arguments->key;
    const json_int_t within_ms = json_integer_value(json_object_get(answer, "within_ms")),
                     overrides = json_integer_value(json_object_get(answer, "overrides"));
    if (arguments->common->json)
        return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "version", JSON_VERSION, "instance",
                                    arguments->common->instance, "modid", (json_int_t)key.modid, "cmdid",
                                    (json_int_t)key.cmdid, "within_ms", within_ms, "overrides", overrides));
    printf("route %" PRIu32 "/%" PRIu32 ": leaves the cache within %s\n", key.modid, key.cmdid,
           text_span((uint64_t)within_ms).is);
    if (overrides)
        printf("%" JSON_INTEGER_FORMAT " host%s of it %s pinned or drained, also when the route is back\n",
               overrides, number_plural((uint64_t)overrides), overrides == 1 ? "stays" : "stay");
    return EXIT_SUCCESS;
}

int command_forget(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code =
        admin_send(common,
                   json_pack("{s:i, s:s, s:I, s:I}", "version", 1, "command", "forget", "modid",
                             (json_int_t)arguments.key.modid, "cmdid", (json_int_t)arguments.key.cmdid),
                   &answer);
    if (code != EXIT_SUCCESS)
        return code;
    code = admin_code(answer) ? admin_fail_refused(common, arguments.key, answer) : print(&arguments, answer);
    json_decref(answer);
    return code;
}
