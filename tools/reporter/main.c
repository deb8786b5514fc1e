/* SPDX-License-Identifier: MIT */
#include <argp.h>

#include "conf/log.h"
#include "tools/reporter/command.h"

const char *argp_program_version = "larshm-reporter " LARSHM_VERSION;

static const char doc[] =
    "A Lars report service: takes call results over TCP and keeps the newest ones in a "
    "SQLite or MariaDB database."
    "\v"
    "Commands:\n"
    "  serve  take and store results\n"
    "  list   show what is stored\n"
    "\n"
    "Each has a --help of its own. To try it, in two terminals:\n"
    "  larshm-reporter --db routes.db serve --create\n"
    "  larshm-reporter --db routes.db list\n"
    "\n"
    "The database may be that of larshm-dns, also while both serve.\n"
    "\n"
    "Exit codes: 0 done, 1 wrong usage or failure, 2 no results of that route, 78 wrong usage of serve.";

static const struct command commands[] = {
    {"serve", command_serve, NULL},
    {"list", command_list, NULL},
    {0},
};

struct status_store *command_open_store(const char *db, enum store_mode mode)
{
    char error[STORE_ERROR_SIZE];
    struct status_store *store = NULL;
    if (command_has_db(db) && status_store_open(&store, db, mode, error) != 0)
        log_line(LOG_LEVEL_ERROR, "%s", error);
    return store;
}

int main(int argc, char **argv)
{
    const struct program program = {
        .name = "larshm-reporter",
        .doc = doc,
        .db = "the database: a file, which 'serve --create' makes when missing, or "
              "mysql://USER@HOST[,HOST...]/DATABASE, see larshm-reporter(1)",
        .commands = commands,
    };
    return program_main(&program, argc, argv);
}
