/* SPDX-License-Identifier: MIT */
/* The tables of Lars in a MariaDB database, and RouteEdit beside them. */
#ifndef TOOLS_DNS_MARIA_SCHEMA_H
#define TOOLS_DNS_MARIA_SCHEMA_H

#include "tools/common/maria.h"

/* Makes the log of edits. */
extern const char maria_schema_log[];

/*
 * Makes what is missing of the tables, the row with id 1 of RouteVersion, and an index on RouteData (modid, cmdid); what is
 * there stays as it is. `said` is called with each thing that was made, or could not be although the rest goes on without it.
 */
typedef void maria_schema_said(void *arg, bool made, const char *what);
int maria_schema_make(struct maria *maria, maria_schema_said *said, void *arg);

/* Whether RouteData has an index that begins with modid and cmdid. */
int maria_schema_has_index(struct maria *maria, bool *indexed);

#endif
