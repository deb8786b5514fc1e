/* SPDX-License-Identifier: MIT */
/*
 * A table for people: columns as wide as they have to be, under a header. On a terminal it fits the terminal's width as far
 * as its columns allow, and may have colours; elsewhere each row is one whole line. Errors stick: rows are added without a
 * check, the call that ends the table reports them.
 */
#ifndef TOOLS_COMMON_GRID_H
#define TOOLS_COMMON_GRID_H

#include <stddef.h>

#include "tools/common/tint.h"

enum grid_kind {
    GRID_LEFT, /* aligned, and never cut, as the next */
    GRID_RIGHT,
    GRID_CUT,  /* ends where the terminal does */
    GRID_FOLD, /* goes on in the next line there, at a space; such a table has no lines below its rows */
};

struct grid_column {
    const char *name;
    enum grid_kind kind;
};

struct grid;

struct grid *grid_new(const struct grid_column *columns, size_t count);

/* Adds a row; the cells are copied. `below`: lines to print under it, which the grid frees; NULL: none. */
void grid_row(struct grid *grid, const char *const *cells, char *below);

/* Colours a cell of the row that was added last. */
void grid_tint(struct grid *grid, size_t column, enum tint tint);

/* The end: the grid is freed. All lines, each behind `indent`, for the caller to free. NULL: memory ran out. */
char *grid_text(struct grid *grid, const char *indent);

/* The end: prints it, nothing at all without rows. Returns 0, or -1 when memory ran out. */
int grid_print(struct grid *grid);

/* The end, with nothing to show. NULL is fine. */
void grid_free(struct grid *grid);

#endif
