/* SPDX-License-Identifier: MIT */
/* What commands that list rows by key share: their words, and the rows on stdout. */
#ifndef TOOLS_COMMON_LISTING_H
#define TOOLS_COMMON_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/grid.h"

/* The words [MODID [CMDID]]: which rows are wanted. */
struct selection {
    const uint32_t *modid, *cmdid; /* NULL: any; they point to `ids` */
    uint32_t ids[2];
    const char *words[2];
    unsigned count; /* of words */
    char name[32];  /* the words with a space between them */
};

/* An option without a letter and without a value. */
struct selection_flag {
    const char *name, *doc;
    bool given;
};

/* Parses a command's words; `doc` is for its --help, `flag` may be NULL. False: they are wrong, which is logged. */
bool selection_parse(struct selection *selection, const char *doc, struct selection_flag *flag, int argc,
                     char **argv);

/* Rows of text: on a terminal a table with a header, otherwise lines with tabs between the cells. */
struct listing;

enum {
    LISTING_CELL_SIZE = 32,
    LISTING_COLUMNS_MAX = 16,
};
typedef char listing_cell[LISTING_CELL_SIZE];

/* NULL when memory ran out, which is logged. */
struct listing *listing_new(const struct grid_column *columns, size_t count);
/* Always lines, with commas between the cells and the names first. */
struct listing *listing_new_csv(const char *const *names, size_t columns);
void listing_free(struct listing *listing);

/* Adds a row of as many cells as there are columns. Returns 0, or -1: listing_end() says why. */
int listing_add(struct listing *listing, listing_cell *cells);
/* The same for cells of any length. */
int listing_add_texts(struct listing *listing, const char *const *cells);

/* Colours a cell of the row that was added last. */
void listing_tint(struct listing *listing, size_t column, enum tint tint);

/* Counts a row that there is, and that is not shown. */
void listing_leave_out(struct listing *listing);

/* Writes Unix seconds: local time for people, without the date where that is today's, else the number. */
void listing_write_time(const struct listing *listing, int64_t seconds, listing_cell cell);

struct listing_texts {
    const char *empty;   /* logged for a store without rows */
    const char *rows_of; /* what a selection has none of, as in "no ROWS_OF 1 2: see 'COMMAND'" */
    const char *command;
};

/* Prints what is not printed yet, and logs that there is nothing. Returns the program's exit code. */
int listing_end(struct listing *listing, const struct selection *selection,
                const struct listing_texts *texts);

#endif
