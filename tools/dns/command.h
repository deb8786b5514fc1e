/* SPDX-License-Identifier: MIT */
/* The subcommands of larshm-dns, one file each. */
#ifndef DNS_COMMAND_H
#define DNS_COMMAND_H

#include <stdbool.h>

#include "tools/dns/route.h"
#include "tools/dns/store.h"

enum {
    EXIT_NO_ROUTE = 2,
};

/* argv[0] is the whole command, as in "larshm-dns route add". Returns the program's exit code. */
typedef int command_fn(const char *db, int argc, char **argv);

command_fn command_serve, command_route;
command_fn command_route_add, command_route_del, command_route_list, command_route_import;

struct command {
    const char *name;
    command_fn *run;
};

/* Runs the one that argv[0] names, as a command of `program`. The last has no name. */
int command_run(const struct command *commands, const char *program, const char *db, int argc, char **argv);

/* Opens the database, or says why not and what to do. */
struct store *command_open_store(const char *db, enum store_mode mode);

/* Read an argument, or say what is wrong with it. */
bool command_read_id(const char *name, const char *text, uint32_t *id);
bool command_read_host(const char *text, struct route_host *host);

#endif
