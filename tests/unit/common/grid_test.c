/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/common/grid.h"

static const struct grid_column columns[] = {{"NAME", false}, {"COUNT", true}};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_cells_and_aligned),
        cmocka_unit_test(lines_below_a_row_follow_it_and_the_table_is_indented),
        cmocka_unit_test(a_table_without_rows_is_no_text),
        cmocka_unit_test(a_table_that_was_not_made_fails_at_its_end),
    };
    return cmocka_run_group_tests_name("unit/common/grid", tests, NULL, NULL);
}
