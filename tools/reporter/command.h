/* SPDX-License-Identifier: MIT */
/* The subcommands of larshm-reporter, one file each. */
#ifndef TOOLS_REPORTER_COMMAND_H
#define TOOLS_REPORTER_COMMAND_H

#include "tools/common/program.h"
#include "tools/reporter/status_store.h"

command_fn command_serve, command_list;

/* Opens the database, or logs why not and what to do. */
struct status_store *command_open_store(const char *db, enum store_mode mode);

#endif
