/* SPDX-License-Identifier: MIT */
#include "tools/dns/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dns/log.h"
#include "tools/dns/parse.h"

int command_run(const struct command *commands, const char *program, const char *db, int argc, char **argv)
{
    char title[64];
    while (commands->name && strcmp(commands->name, argv[0]) != 0)
        commands++;
    if (!commands->name) {
        log_line("unknown command '%s': see '%s --help'", argv[0], program);
        return EXIT_FAILURE;
    }
    snprintf(title, sizeof(title), "%s %s", program, commands->name);
    argv[0] = title;
    return commands->run(db, argc, argv);
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
