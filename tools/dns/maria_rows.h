/* SPDX-License-Identifier: MIT */
/*
 * Writing many rows of RouteData, or of a table like it, BATCH_ROWS with each statement; as `rests` says of a batch.
 * Functions return -1 after a failure, and maria->error says why.
 */
#ifndef TOOLS_DNS_MARIA_ROWS_H
#define TOOLS_DNS_MARIA_ROWS_H

#include "tools/common/maria.h"
#include "tools/dns/row.h"

int maria_rows_insert(struct maria *maria, const char *table, const struct row *rows, size_t count,
                      bool rests);

/* Rows in order, each once. Unless they are few, all of the table is read for it: the index may be missing. */
int maria_rows_delete(struct maria *maria, const char *table, const struct row *rows, size_t count,
                      bool rests);

#endif
