/* SPDX-License-Identifier: MIT */
/* The commands that begin with "route". */
#include <argp.h>
#include <stdlib.h>

#include "tools/dns/command.h"

static const char doc[] = "Edits and shows the routes in the database."
                          "\v"
                          "Commands:\n"
                          "  add     add hosts to a route\n"
                          "  del     delete hosts, or a whole route\n"
                          "  list    show routes\n"
                          "  import  add routes from a CSV file\n"
                          "\n"
                          "Each has a --help of its own.\n"
                          "\n"
                          "Examples:\n"
                          "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080\n"
                          "  larshm-dns --db routes.db route list";

static const struct command commands[] = {
    {"add", command_route_add},
    {"del", command_route_del},
    {"list", command_route_list},
    {"import", command_route_import},
    {0},
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    int *first = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_ARG:
        *first = state->next - 1;
        state->next = state->argc; /* the rest is for the command's own parser */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, 0, 0, "a command is missing");
        argp_state_help(state, stderr, ARGP_HELP_SHORT_USAGE | ARGP_HELP_DOC | ARGP_HELP_EXIT_ERR);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse_word, "COMMAND [ARGUMENT...]", doc, NULL, NULL, NULL};

int command_route(const char *db, int argc, char **argv)
{
    int first = 0;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first) != 0)
        return EXIT_FAILURE;
    return command_run(commands, argv[0], db, argc - first, argv + first);
}
