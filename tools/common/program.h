/* SPDX-License-Identifier: MIT */
/* A program that works on one database, as in "larshm-dns --db FILE COMMAND ARGUMENT...". */
#ifndef TOOLS_COMMON_PROGRAM_H
#define TOOLS_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EXIT_NO_ROUTE = 2,
};

/* argv[0] is the whole command, as in "larshm-dns route add". Returns the program's exit code. */
typedef int command_fn(const char *db, int argc, char **argv);

struct command {
    const char *name;
    command_fn *run;
    const struct command *group; /* the commands that may follow it, or NULL */
};

/* Runs a command that is a group of commands: argv[1] names the one to run. The last in `commands` has no name. */
int command_group(const struct command *commands, const char *doc, const char *db, int argc, char **argv);

struct program {
    const char *name;
    const char *doc; /* for --help */
    const char *db;  /* what --help says of --db */
    const struct command *commands;
};

/* The whole main(). */
int program_main(const struct program *program, int argc, char **argv);

/* True if a database is named; logs that it is missing otherwise. */
bool command_has_db(const char *db);

/* True if one is named that there may be: a file, or a URL of a database server in its right form. Logs what is wrong. */
bool command_db_is_right(const char *db);

/* Reads an argument, or logs what is wrong with it. */
bool command_read_id(const char *name, const char *text, uint32_t *id);

#endif
