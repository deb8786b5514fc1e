/* SPDX-License-Identifier: MIT */
/* Reading RouteData of a MariaDB database. Functions return -1 after a failure, and maria->error says why. */
#ifndef TOOLS_DNS_MARIA_ROUTES_H
#define TOOLS_DNS_MARIA_ROUTES_H

#include "tools/common/maria.h"
#include "tools/dns/table.h"

/* Fails unless the tables of Lars are there, and may be read. */
int maria_routes_check(struct maria *maria);

/* Adds the rows of one route, in order, to a table. */
int maria_routes_read(struct maria *maria, struct route_key key, struct table *out);

/* Reads all rows of RouteData, or of a table like it, as they were at one moment. *out is free to fill, and stays
 * empty after a failure. */
int maria_routes_load(struct maria *maria, const char *name, struct table *out);

/* False for what is no host that can be called: another program may have written anything. */
bool maria_routes_row(uint64_t modid, uint64_t cmdid, uint64_t ip, uint64_t port, struct row *out);

#endif
