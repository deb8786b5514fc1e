/* SPDX-License-Identifier: MIT */
/*
 * RouteEdit, a table beside those of Lars: what each edit made of each route, when and by whom. It is made by the first
 * edit; a database without it has no edits yet. The newest STORE_LOG_EDITS edits are kept.
 */
#ifndef TOOLS_DNS_EDIT_LOG_H
#define TOOLS_DNS_EDIT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/database.h"
#include "tools/dns/map.h"
#include "tools/dns/store_log.h"

/* The edit under way. Zero-initialise. */
struct edit_log {
    struct map routes; /* route_key_number() to struct edited */
};

/* A route that the edit has looked at. */
struct edited {
    struct route_key key;
    bool changed;
    char *before; /* hosts, as in RouteEdit */
};

/* The route as it was when the edit began: call it before the first change. NULL: it failed, and db->error says why. */
struct edited *edit_log_route(struct edit_log *log, struct database *db, struct route_key key);

/* Adds what changed to the table, within the edit's transaction. Returns the edit's number, 0 for none, or -1. */
int64_t edit_log_write(struct edit_log *log, struct database *db);

/* Forgets the edit. */
void edit_log_clear(struct edit_log *log);

/* Calls `row` for each row that is kept, oldest first; NULL ids mean any. A non-zero result of `row` ends it. */
int edit_log_list(struct database *db, const uint32_t *modid, const uint32_t *cmdid, store_log_row_fn *row,
                  void *arg);

/* The same for the rows of one edit. */
int edit_log_read(struct database *db, int64_t edit, store_log_row_fn *row, void *arg);

/* The hosts of a route, as in RouteEdit, for the caller to free. NULL: it failed, and db->error says why. */
char *edit_log_hosts(struct database *db, struct route_key key);

#endif
