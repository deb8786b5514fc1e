/* SPDX-License-Identifier: MIT */
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/common/grid.h"

static const struct grid_column columns[] = {{"NAME", GRID_LEFT}, {"COUNT", GRID_RIGHT}};

static void expect_text(struct grid *grid, const char *indent, const char *expected)
{
    char *text = grid_text(grid, indent);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void columns_are_as_wide_as_their_cells_and_aligned(void **state)
{
    (void)state;
    struct grid *grid = grid_new(columns, 2);
    grid_row(grid, (const char *[]){"a", "1234567"}, NULL);
    grid_row(grid, (const char *[]){"longer", "8"}, NULL);
    expect_text(grid, "",
                "NAME     COUNT\n"
                "a      1234567\n"
                "longer       8\n");
}

static void lines_below_a_row_follow_it_and_the_table_is_indented(void **state)
{
    (void)state;
    struct grid *grid = grid_new(columns, 2);
    grid_row(grid, (const char *[]){"a", "1"}, strdup("below\nand below\n"));
    grid_row(grid, (const char *[]){"b", "2"}, NULL);
    expect_text(grid, "> ",
                "> NAME COUNT\n"
                "> a        1\n"
                "below\nand below\n"
                "> b        2\n");
}

static void a_table_without_rows_is_no_text(void **state)
{
    (void)state;
    expect_text(grid_new(columns, 2), "> ", "");
}

static void a_table_that_was_not_made_fails_at_its_end(void **state)
{
    (void)state;
    grid_row(NULL, (const char *[]){"a", "1"}, strdup("below\n"));
    assert_null(grid_text(NULL, ""));
    assert_int_equal(grid_print(NULL), -1);
    grid_free(NULL);
}

struct terminal {
    int saved, near, far;
};

/* From here until terminal_end() standard output is a terminal of that width. */
static struct terminal terminal_begin(unsigned short width)
{
    const struct winsize size = {.ws_row = 24, .ws_col = width};
    struct terminal terminal = {.saved = dup(STDOUT_FILENO)};
    fflush(stdout);
    assert_int_equal(openpty(&terminal.near, &terminal.far, NULL, NULL, &size), 0);
    assert_int_equal(dup2(terminal.far, STDOUT_FILENO), STDOUT_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    return terminal;
}

static void terminal_end(struct terminal terminal)
{
    fflush(stdout);
    dup2(terminal.saved, STDOUT_FILENO);
    close(terminal.saved);
    close(terminal.near);
    close(terminal.far);
}

/* A table of one row, whose last cell has that kind, as a terminal of that width has it; for the caller to free. */
static char *on_terminal(unsigned short width, enum grid_kind kind, const char *cell)
{
    const struct grid_column described[] = {{"HOST", GRID_LEFT}, {"COUNT", GRID_RIGHT}, {"WHY", kind}};
    struct terminal terminal = terminal_begin(width);
    struct grid *grid = grid_new(described, 3);
    grid_row(grid, (const char *[]){"10.0.0.1:80", "7", cell}, NULL);
    char *text = grid_text(grid, "  ");
    terminal_end(terminal);
    assert_non_null(text);
    return text;
}

static void expect_on_terminal(unsigned short width, enum grid_kind kind, const char *cell,
                               const char *expected)
{
    char *text = on_terminal(width, kind, cell);
    assert_string_equal(text, expected);
    free(text);
}

static void what_does_not_fit_the_terminal_is_cut_or_goes_on_in_the_next_line(void **state)
{
    (void)state;
    const char *cell = "ejected since noon for ten failures in a row";
    expect_on_terminal(40, GRID_CUT, cell,
                       "  HOST        COUNT WHY\n"
                       "  10.0.0.1:80     7 ejected since noon f\n");
    expect_on_terminal(40, GRID_FOLD, cell,
                       "  HOST        COUNT WHY\n"
                       "  10.0.0.1:80     7 ejected since noon\n"
                       "                    for ten failures in\n"
                       "                    a row\n");
    expect_on_terminal(64, GRID_FOLD, cell,
                       "  HOST        COUNT WHY\n"
                       "  10.0.0.1:80     7 ejected since noon for ten failures in a row\n");
    expect_on_terminal(8, GRID_FOLD, cell,
                       "  HOST        COUNT WHY\n"
                       "  10.0.0.1:80     7 ejected since\n"
                       "                    noon for ten\n"
                       "                    failures in a\n"
                       "                    row\n");
}

static void whole_columns_are_never_cut(void **state)
{
    (void)state;
    expect_on_terminal(20, GRID_LEFT, "all of it",
                       "  HOST        COUNT WHY\n"
                       "  10.0.0.1:80     7 all of it\n");
}

/* What a tinted cell is printed as. */
static char *tinted(void)
{
    struct grid *grid = grid_new(columns, 2);
    grid_row(grid, (const char *[]){"a", "1"}, NULL);
    grid_tint(grid, 0, TINT_TROUBLE);
    char *text = grid_text(grid, "");
    assert_non_null(text);
    return text;
}

static void expect_colour(const char *no_color, const char *term, bool expected)
{
    struct terminal terminal = terminal_begin(80);
    setenv("TERM", term, 1);
    if (no_color)
        setenv("NO_COLOR", no_color, 1);
    char *text = tinted();
    terminal_end(terminal);
    assert_int_equal(strchr(text, '\033') != NULL, expected);
    free(text);
}

static void colours_are_for_terminals_alone_and_no_color_and_dumb_ones_have_none(void **state)
{
    (void)state;
    expect_colour(NULL, "xterm", true);
    expect_colour("", "xterm", true);
    expect_colour("0", "xterm", false);
    expect_colour(NULL, "dumb", false);
    expect_colour(NULL, "", false);
    int saved = dup(STDOUT_FILENO), pipes[2];
    fflush(stdout);
    assert_int_equal(pipe(pipes), 0);
    dup2(pipes[1], STDOUT_FILENO);
    char *text = tinted();
    dup2(saved, STDOUT_FILENO);
    assert_null(strchr(text, '\033'));
    free(text);
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_cells_and_aligned),
        cmocka_unit_test(lines_below_a_row_follow_it_and_the_table_is_indented),
        cmocka_unit_test(a_table_without_rows_is_no_text),
        cmocka_unit_test(what_does_not_fit_the_terminal_is_cut_or_goes_on_in_the_next_line),
        cmocka_unit_test(whole_columns_are_never_cut),
        cmocka_unit_test(colours_are_for_terminals_alone_and_no_color_and_dumb_ones_have_none),
        cmocka_unit_test(a_table_that_was_not_made_fails_at_its_end),
    };
    return cmocka_run_group_tests_name("unit/common/grid", tests, NULL, NULL);
}
