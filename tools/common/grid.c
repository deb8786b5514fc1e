/* SPDX-License-Identifier: MIT */
#include "tools/common/grid.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grid {
    struct libscols_table *table;
    size_t columns;
    bool failed;
};

struct grid *grid_new(const struct grid_column *columns, size_t count)
{
    struct grid *grid = calloc(1, sizeof(*grid));
    if (!grid)
        return NULL;
    grid->columns = count;
    grid->table = scols_new_table();
    grid->failed = !grid->table || scols_table_set_termforce(grid->table, SCOLS_TERMFORCE_NEVER) != 0;
    for (size_t i = 0; !grid->failed && i < count; i++)
        grid->failed =
            !scols_table_new_column(grid->table, columns[i].name, 0, columns[i].right ? SCOLS_FL_RIGHT : 0);
    return grid;
}

void grid_row(struct grid *grid, const char *const *cells, char *below)
{
    struct libscols_line *line = grid && !grid->failed ? scols_table_new_line(grid->table, NULL) : NULL;
    if (!line) {
        if (grid)
            grid->failed = true;
        free(below);
        return;
    }
    scols_line_set_userdata(line, below);
    for (size_t i = 0; !grid->failed && i < grid->columns; i++)
        grid->failed = scols_line_set_data(line, i, cells[i]) != 0;
}

void grid_free(struct grid *grid)
{
    if (!grid)
        return;
    struct libscols_iter *at = scols_new_iter(SCOLS_ITER_FORWARD);
    struct libscols_line *line;
    while (at && grid->table && scols_table_next_line(grid->table, at, &line) == 0)
        free(scols_line_get_userdata(line));
    scols_free_iter(at);
    scols_unref_table(grid->table);
    free(grid);
}

/* The table's own text has a line for the header, and one for each row. */
static void weave(const struct grid *grid, char *text, const char *indent, struct libscols_iter *at,
                  FILE *out)
{
    struct libscols_line *row = NULL;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        fprintf(out, "%s%s\n", indent, line);
        if (row && scols_line_get_userdata(row))
            fputs(scols_line_get_userdata(row), out);
        if (scols_table_next_line(grid->table, at, &row) != 0)
            row = NULL;
    }
}

char *grid_text(struct grid *grid, const char *indent)
{
    if (!grid)
        return NULL;
    char *text = NULL, *woven = NULL;
    size_t size;
    struct libscols_iter *at = scols_new_iter(SCOLS_ITER_FORWARD);
    FILE *out = open_memstream(&woven, &size);
    if (!grid->failed && at && out && scols_print_table_to_string(grid->table, &text) == 0)
        weave(grid, text, indent, at, out);
    bool done = text && out && fflush(out) == 0 && !ferror(out);
    if (out)
        fclose(out);
    if (!done) {
        free(woven);
        woven = NULL;
    }
    scols_free_iter(at);
    free(text);
    grid_free(grid);
    return woven;
}

int grid_print(struct grid *grid)
{
    char *text = grid_text(grid, "");
    if (!text)
        return -1;
    fputs(text, stdout);
    free(text);
    return 0;
}
