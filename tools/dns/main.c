/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>

#include "tools/dns/command.h"

const char *argp_program_version = "larshm-dns " LARSHM_VERSION;

static const char doc[] = "A Lars directory: keeps routes in a SQLite database and serves them over TCP."
                          "\v"
                          "Commands:\n"
                          "  serve         answer and push routes\n"
                          "  route add     add hosts to a route\n"
                          "  route del     delete hosts, or a whole route\n"
                          "  route list    show routes\n"
                          "  route import  add routes from a CSV file\n"
                          "\n"
                          "Each has a --help of its own. To try it, in two terminals:\n"
                          "  larshm-dns --db routes.db serve\n"
                          "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080 10.0.0.2:8080\n"
                          "\n"
                          "Exit codes: 0 done, 1 wrong usage or failure, 2 no such route.";

static const struct argp_option options[] = {
    {"db", 'd', "FILE", 0, "the database; 'serve', 'route add' and 'route import' make it when missing", 0},
    {0},
};

static const struct command commands[] = {
    {"serve", command_serve},
    {"route", command_route},
    {0},
};

struct arguments {
    const char *db;
    int first; /* index of the command in argv */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'd':
        if (!*arg)
            argp_error(state, "--db wants the name of a file");
        arguments->db = arg;
        return 0;
    case ARGP_KEY_ARG:
        arguments->first = state->next - 1;
        state->next = state->argc; /* the rest is for the command's own parser */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse_option, "COMMAND [ARGUMENT...]", doc, NULL, NULL, NULL};

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_err_exit_status = EXIT_FAILURE;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    return command_run(commands, "larshm-dns", arguments.db, argc - arguments.first, argv + arguments.first);
}
