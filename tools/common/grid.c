/* SPDX-License-Identifier: MIT */
#include "tools/common/grid.h"

#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FOLD_MIN = 16 /* a folded column is not narrower */
};

struct grid {
    struct libscols_table *table;
    struct libscols_line *last;
    size_t columns;
    bool terminal, coloured, failed;
};

static bool add_column(struct grid *grid, const struct grid_column *described)
{
    static const int flags[] = {
        [GRID_RIGHT] = SCOLS_FL_RIGHT, [GRID_CUT] = SCOLS_FL_TRUNC, [GRID_FOLD] = SCOLS_FL_WRAP};
    const enum grid_kind kind = described->kind == GRID_FOLD && !grid->terminal ? GRID_LEFT : described->kind;
    struct libscols_column *column = scols_table_new_column(grid->table, described->name, 0, flags[kind]);
    return column && (kind != GRID_FOLD || (scols_column_set_safechars(column, "\n") == 0 &&
                                            scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
                                                                      scols_wrapnl_nextchunk, NULL) == 0));
}

struct grid *grid_new(const struct grid_column *columns, size_t count)
{
    struct grid *grid = calloc(1, sizeof(*grid));
    if (!grid)
        return NULL;
    grid->columns = count;
    grid->terminal = isatty(STDOUT_FILENO);
    grid->coloured = tint_wanted();
    grid->table = scols_new_table();
    grid->failed = !grid->table ||
                   scols_table_set_termforce(grid->table, grid->terminal ? SCOLS_TERMFORCE_ALWAYS
                                                                         : SCOLS_TERMFORCE_NEVER) != 0 ||
                   scols_table_enable_colors(grid->table, grid->coloured) != 0;
    for (size_t i = 0; !grid->failed && i < count; i++)
        grid->failed = !add_column(grid, &columns[i]);
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
    grid->last = line;
    scols_line_set_userdata(line, below);
    for (size_t i = 0; !grid->failed && i < grid->columns; i++)
        grid->failed = scols_line_set_data(line, i, cells[i]) != 0;
}

void grid_tint(struct grid *grid, size_t column, enum tint tint)
{
    if (grid && !grid->failed && grid->coloured && tint != TINT_NONE)
        grid->failed = scols_cell_set_color(scols_line_get_cell(grid->last, column), tint_on(tint)) != 0;
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

/* Puts line ends where the text would be longer than `room`, in place of spaces. */
static void fold(char *text, size_t room)
{
    char *start = text, *space = NULL;
    for (char *at = text; *at; at++) {
        if (*at == ' ')
            space = at;
        if ((size_t)(at - start) < room || !space)
            continue;
        *space = '\n';
        start = space + 1;
        space = NULL;
    }
}

static bool fold_cell(struct libscols_cell *cell, size_t room)
{
    char *text = strdup(scols_cell_get_data(cell));
    if (text)
        fold(text, room);
    return text && scols_cell_refer_data(cell, text) == 0;
}

static bool fold_column(const struct grid *grid, struct libscols_column *column, size_t room)
{
    struct libscols_iter *at = scols_new_iter(SCOLS_ITER_FORWARD);
    struct libscols_line *line;
    bool done = at != NULL;
    while (done && scols_table_next_line(grid->table, at, &line) == 0)
        done = fold_cell(scols_line_get_column_cell(line, column), room);
    scols_free_iter(at);
    return done;
}

/* Folds what does not fit, by the widths that the columns have when nothing is folded. */
static bool fold_columns(const struct grid *grid, size_t width)
{
    size_t whole = grid->columns - 1, folded = 0, count = 0;
    for (size_t i = 0; i < grid->columns; i++) {
        struct libscols_column *column = scols_table_get_column(grid->table, i);
        whole += scols_column_get_width(column);
        if (scols_column_is_customwrap(column)) {
            folded += scols_column_get_width(column);
            count++;
        }
    }
    if (count == 0 || whole <= width)
        return true;
    const size_t others = whole - folded, left = width > others ? (width - others) / count : 0;
    bool done = true;
    for (size_t i = 0; done && i < grid->columns; i++) {
        struct libscols_column *column = scols_table_get_column(grid->table, i);
        if (scols_column_is_customwrap(column))
            done = fold_column(grid, column, left > FOLD_MIN ? left : FOLD_MIN);
    }
    return done;
}

/* NULL: memory ran out. */
static char *table_text(const struct grid *grid, size_t indent)
{
    char *text = NULL;
    const size_t all = scols_table_get_termwidth(grid->table), width = all > indent ? all - indent : 1;
    if (scols_table_set_termwidth(grid->table, width) != 0 ||
        scols_print_table_to_string(grid->table, &text) != 0)
        return NULL;
    if (!grid->terminal)
        return text;
    free(text);
    text = NULL;
    if (fold_columns(grid, width))
        scols_print_table_to_string(grid->table, &text);
    return text;
}

char *grid_text(struct grid *grid, const char *indent)
{
    if (!grid)
        return NULL;
    char *text = NULL, *woven = NULL;
    size_t size;
    struct libscols_iter *at = scols_new_iter(SCOLS_ITER_FORWARD);
    FILE *out = open_memstream(&woven, &size);
    if (!grid->failed && at && out && (text = table_text(grid, strlen(indent))))
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
