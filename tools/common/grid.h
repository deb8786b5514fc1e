/* SPDX-License-Identifier: MIT */
/*
 * A table for people: columns as wide as they have to be, under a header. Errors stick: rows are added without a check,
 * the call that ends the table reports them.
 */
#ifndef TOOLS_COMMON_GRID_H
#define TOOLS_COMMON_GRID_H

#include <stdbool.h>
#include <stddef.h>

struct grid_column {
    const char *name;
    bool right; /* aligned */
};

struct grid;

struct grid *grid_new(const struct grid_column *columns, size_t count);

/* Adds a row; the cells are copied. `below`: lines to print under it, which the grid frees; NULL: none. */
void grid_row(struct grid *grid, const char *const *cells, char *below);

/* The end: the grid is freed. All lines, each behind `indent`, for the caller to free. NULL: memory ran out. */
char *grid_text(struct grid *grid, const char *indent);

/* The end: prints it, nothing at all without rows. Returns 0, or -1 when memory ran out. */
int grid_print(struct grid *grid);

/* The end, with nothing to show. NULL is fine. */
void grid_free(struct grid *grid);

#endif
