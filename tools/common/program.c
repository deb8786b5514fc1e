/* SPDX-License-Identifier: MIT */
#include "tools/common/program.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "conf/start.h"
#include "tools/common/maria_url.h"
#include "tools/common/parse.h"

#define COMMAND_WORDS "COMMAND [ARGUMENT...]"

struct arguments {
    const char *db;
    int first; /* index of the command in argv */
};

/* Finds the command: the rest is for its own parser. */
static error_t parse_command(int key, struct argp_state *state, int *first)
{
    switch (key) {
    case ARGP_KEY_ARG:
        *first = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, 0, 0, "a command is missing");
        argp_state_help(state, stderr, ARGP_HELP_SHORT_USAGE | ARGP_HELP_DOC | ARGP_HELP_EXIT_ERR);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_group(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    return parse_command(key, state, state->input);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    if (key != 'd')
        return parse_command(key, state, &arguments->first);
    arguments->db = arg;
    return 0;
}

static const struct command *find(const struct command *commands, const char *name)
{
    while (commands->name && strcmp(commands->name, name) != 0)
        commands++;
    return commands->name ? commands : NULL;
}

/* The command whose group has that name in it, or NULL. */
static const struct command *find_group(const struct command *commands, const char *name)
{
    while (commands->name && !(commands->group && find(commands->group, name)))
        commands++;
    return commands->name ? commands : NULL;
}

static int run(const struct command *commands, const char *program, const char *db, int argc, char **argv)
{
    char title[64];
    const struct command *command = find(commands, argv[0]), *group = find_group(commands, argv[0]);
    if (!command && group)
        log_line(LOG_LEVEL_ERROR, "unknown command '%s': did you mean '%s %s'?", argv[0], group->name,
                 argv[0]);
    else if (!command)
        log_line(LOG_LEVEL_ERROR, "unknown command '%s': see '%s --help'", argv[0], program);
    if (!command)
        return EXIT_FAILURE;
    snprintf(title, sizeof(title), "%s %s", program, command->name);
    argv[0] = title;
    return command->run(db, argc, argv);
}

int program_main(const struct program *program, int argc, char **argv)
{
    const struct argp_option options[] = {{"db", 'd', "FILE", 0, program->db, 0}, {0}};
    const struct argp argp = {options, parse_option, COMMAND_WORDS, program->doc, NULL, NULL, NULL};
    struct arguments arguments = {0};
    start_prepare();
    argp_err_exit_status = EXIT_FAILURE;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    return run(program->commands, program->name, arguments.db, argc - arguments.first,
               argv + arguments.first);
}

int command_group(const struct command *commands, const char *doc, const char *db, int argc, char **argv)
{
    const struct argp argp = {NULL, parse_group, COMMAND_WORDS, doc, NULL, NULL, NULL};
    int first = 0;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first) != 0)
        return EXIT_FAILURE;
    return run(commands, argv[0], db, argc - first, argv + first);
}

bool command_has_db(const char *db)
{
    if (db && *db)
        return true;
    log_line(LOG_LEVEL_ERROR, "no database named: write --db FILE before the command");
    return false;
}

bool command_db_is_right(const char *db)
{
    struct maria_url url;
    char error[STORE_ERROR_SIZE];
    if (!command_has_db(db))
        return false;
    if (!maria_url_is(db))
        return true;
    bool right = maria_url_parse(&url, db, error) == 0;
    if (!right)
        log_line(LOG_LEVEL_ERROR, "%s", error);
    maria_url_free(&url);
    return right;
}

bool command_read_id(const char *name, const char *text, uint32_t *id)
{
    if (parse_id(text, id))
        return true;
    log_line(LOG_LEVEL_ERROR, "%s '%s' is not " PARSE_ID_ALLOWED, name, text);
    return false;
}
