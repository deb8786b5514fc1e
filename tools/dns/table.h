/* SPDX-License-Identifier: MIT */
/* All rows of RouteData in memory: one sorted array, 16 bytes a row. */
#ifndef TOOLS_DNS_TABLE_H
#define TOOLS_DNS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/dns/row.h"

/* Zero-initialise; release with table_free(). */
struct table {
    struct row *rows;
    size_t count, capacity;
};

/* Adds a row, in any order; table_sort() comes before anything else. False: memory ran out. */
bool table_add(struct table *table, const struct row *row);

/* Puts the rows in order, each once, and gives back what memory is left over. */
void table_sort(struct table *table);

/* The rows from a place on. An empty table may have no array, and nothing may be added to NULL. */
const struct row *table_from(const struct table *table, size_t place);

/* The rows of a route, and how many they are. */
const struct row *table_find(const struct table *table, struct route_key key, size_t *count);

/* How many routes it has. */
size_t table_routes(const struct table *table);

/* Whether two routes, each with its rows in order, have the same hosts. */
bool rows_same(const struct row *some, size_t count, const struct row *others, size_t other_count);

/* Calls `each` for every key whose rows are others in one table than in the other. */
void table_compare(const struct table *one, const struct table *other,
                   void (*each)(void *arg, struct route_key key), void *arg);

/* Adds the rows of one table that another one lacks to `out`, in order. False: memory ran out. */
bool table_missing(const struct table *some, const struct table *others, struct table *out);

/* Makes *out what `table` is, with the routes of `keys`, which are in order, each once, as `rows` has them. False:
 * memory ran out, and *out is untouched. */
bool table_patch(const struct table *table, const struct route_key *keys, size_t key_count,
                 const struct table *rows, struct table *out);

void table_free(struct table *table);

#endif
