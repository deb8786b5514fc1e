/* SPDX-License-Identifier: MIT */
/* The subcommands of larshm-dns, one file each. */
#ifndef TOOLS_DNS_COMMAND_H
#define TOOLS_DNS_COMMAND_H

#include "shm/host_addr.h"
#include "tools/common/program.h"
#include "tools/dns/store.h"

command_fn command_serve, command_peers, command_route, command_schema;
command_fn command_route_add, command_route_set, command_route_del, command_route_list, command_route_import;
extern const struct command command_route_group[];
command_fn command_route_log, command_route_undo, command_route_status;

/* Opens the database, or logs why not and what to do. */
struct store *command_open_store(const char *db, enum store_mode mode);

/* Says that an edit is not in the log, if so. */
void command_warn_unlogged(const struct store *store);

/* Makes an edit, see store_make() and store_make_large(), or logs why not. */
int command_make(struct store *store, store_make_fn *make, void *arg, struct store_edit *done);
int command_make_large(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                       struct store_edit *done);

/* Progress of a large edit, on a terminal; and its end, which leaves the line to what is printed next. */
void command_show_written(uint64_t rows);
void command_hide_written(void);

/* What the option does that says so, for --help. */
#define COMMAND_ONE_TRANSACTION                                                                                     \
    "in a MariaDB database: make even a large edit in one transaction, for which other editors wait, and not in a " \
    "table that takes the place of RouteData"

/* Reads an argument, or logs what is wrong with it. */
bool command_read_host(const char *text, struct host_addr *host);

#endif
