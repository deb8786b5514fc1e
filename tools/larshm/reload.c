/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/admin.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Has the fetcher read its configuration again, as SIGHUP does, and says whether it is in use. A file with an "
    "error changes nothing.\v"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin socket, "
    "see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path.\n\n"
    "Examples:\n"
    "  larshm-fetcher --check-config /etc/larshm.conf && larshm reload\n\n" EXIT_CODES_DOC;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->input;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, NULL, doc, common_children, NULL, NULL};

static int print(const struct common *common, const json_t *answer)
{
    const char *restart = json_string_value(json_object_get(answer, "needs_restart"));
    const char *file = json_string_value(json_object_get(answer, "file"));
    if (common->json)
        return json_print(json_pack("{s:i, s:s, s:s, s:s}", "version", JSON_VERSION, "instance",
                                    common->instance, "file", file ? file : "", "needs_restart",
                                    restart ? restart : ""));
    if (file && !*file)
        puts("no file to reload, as larshm-fetcher was started without -c; names are looked up again");
    else if (restart && *restart)
        printf("the configuration is in use, except for keys that need a restart of larshm-fetcher: %s\n",
               restart);
    else
        puts("the configuration is in use");
    return EXIT_SUCCESS;
}

int command_reload(struct common *common, int argc, char **argv)
{
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, common) != 0)
        return EXIT_USAGE;
    int code = admin_send(common, json_pack("{s:i, s:s}", "version", 1, "command", "reload"), &answer);
    if (code != EXIT_SUCCESS)
        return code;
    code = admin_code(answer)
               ? fail(common, EXIT_USAGE, "the configuration is unchanged: %s", admin_error(answer))
               : print(common, answer);
    json_decref(answer);
    return code;
}
