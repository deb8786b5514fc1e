/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dns/command.h"
#include "tools/dns/log.h"
#include "tools/dns/parse.h"

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

static const struct command {
    const char *group, *name;
    command_fn *run;
} commands[] = {
    {NULL, "serve", command_serve},
    {"route", "add", command_route_add},
    {"route", "del", command_route_del},
    {"route", "list", command_route_list},
    {"route", "import", command_route_import},
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

static const struct command *find_command(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        const struct command *command = &commands[i];
        const char *group = command->group ? command->group : command->name;
        if (strcmp(argv[0], group) == 0 &&
            (!command->group || (argc > 1 && strcmp(argv[1], command->name) == 0)))
            return command;
    }
    return NULL;
}

struct store *command_open_store(const char *db, enum store_mode mode)
{
    char error[STORE_ERROR_SIZE];
    struct store *store = NULL;
    if (!db)
        log_line("no database named: write --db FILE before the command");
    else if (store_open(&store, db, mode, error) != 0)
        log_line("%s", error);
    return store;
}

bool command_read_id(const char *name, const char *text, uint32_t *id)
{
    if (parse_id(text, id))
        return true;
    log_line("%s '%s' is not " PARSE_ID_ALLOWED, name, text);
    return false;
}

bool command_read_host(const char *text, struct route_host *host)
{
    if (parse_host(text, host))
        return true;
    log_line("host '%s' is not " PARSE_HOST_ALLOWED, text);
    return false;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_err_exit_status = EXIT_FAILURE;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    argc -= arguments.first;
    argv += arguments.first;

    const struct command *command = find_command(argc, argv);
    if (!command) {
        log_line("unknown command '%s%s%s': see 'larshm-dns --help'", argv[0], argc > 1 ? " " : "",
                 argc > 1 ? argv[1] : "");
        return EXIT_FAILURE;
    }
    int words = command->group ? 2 : 1;
    char name[64];
    snprintf(name, sizeof(name), "larshm-dns%s%s %s", command->group ? " " : "",
             command->group ? command->group : "", command->name);
    argc -= words - 1;
    argv += words - 1;
    argv[0] = name;
    return command->run(arguments.db, argc, argv);
}
