/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tools/common/grid.h"
#include "tools/larshm/admin.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Shows the servers of the directory that the fetcher may use, in the order in which it tries them, with the one in "
    "use, and what became of each since the fetcher started.\v"
    "VERSION is how new its routes were when it was tried last, CONNECTS are connections made, FAILURES connections and attempts that ended, ANSWERS messages of routes. The order is "
    "drawn from the id and the name of the machine and the name of the instance: [dnsserver] servers, see larshm.conf(5).\n\n"
    "Only root and the user of larshm-fetcher may do this, while the fetcher runs. It is reached at its admin socket, "
    "see larshm-fetcher(8); LARSHM_ADMIN_SOCKET names another path.\n\n"
    "Examples:\n"
    "  larshm servers\n"
    "  larshm -j servers | jq -r '.servers[] | select(.in_use).address'\n\n" EXIT_CODES_DOC;

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

static const char *string(const json_t *server, const char *name)
{
    const char *text = json_string_value(json_object_get(server, name));
    return text ? text : "";
}

static struct text number(const json_t *server, const char *name)
{
    return text_count((uint64_t)json_integer_value(json_object_get(server, name)));
}

static int print_text(const json_t *servers)
{
    static const struct grid_column columns[] = {
        {"SERVER", GRID_LEFT},    {"IN USE", GRID_LEFT},   {"VERSION", GRID_RIGHT},  {"CONNECTS", GRID_RIGHT},
        {"FAILURES", GRID_RIGHT}, {"ANSWERS", GRID_RIGHT}, {"LAST ERROR", GRID_FOLD}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    size_t i;
    const json_t *server;
    json_array_foreach(servers, i, server) {
        const char *error = string(server, "last_error");
        const json_t *version = json_object_get(server, "version");
        char told[24] = "-";
        if (json_is_integer(version))
            snprintf(told, sizeof(told), "%" JSON_INTEGER_FORMAT, json_integer_value(version));
        grid_row(grid,
                 (const char *[]){string(server, "address"),
                                  json_is_true(json_object_get(server, "in_use")) ? "yes" : "-", told,
                                  number(server, "connects").is, number(server, "failures").is,
                                  number(server, "answers").is, *error ? error : "-"},
                 NULL);
        grid_tint(grid, 1, json_is_true(json_object_get(server, "in_use")) ? TINT_GOOD : TINT_NONE);
        grid_tint(grid, 6, *error ? TINT_WARNING : TINT_NONE);
    }
    return grid_print(grid) == 0 ? EXIT_SUCCESS : say_no_memory();
}

static int print(const struct common *common, const json_t *answer)
{
    json_t *servers = json_object_get(answer, "servers");
    return common->json ? json_print(json_pack("{s:i, s:s, s:O}", "version", JSON_VERSION, "instance",
                                               common->instance, "servers", servers))
                        : print_text(servers);
}

int command_servers(struct common *common, int argc, char **argv)
{
    json_t *answer;
    if (argp_parse(&argp, argc, argv, 0, NULL, common) != 0)
        return EXIT_USAGE;
    int code = admin_send(common, json_pack("{s:i, s:s}", "version", 1, "command", "servers"), &answer);
    if (code != EXIT_SUCCESS)
        return code;
    if (admin_code(answer))
        code = fail(common, EXIT_USAGE, "the fetcher does not say: %s", admin_error(answer));
    else
        code = print(common, answer);
    json_decref(answer);
    return code;
}
