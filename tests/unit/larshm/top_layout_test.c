/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/larshm/top_layout.h"

enum {
    ROWS_MAX = 60
};

static struct top_page *page_new(size_t header, size_t routes, size_t hosts)
{
    struct top_page *page = calloc(1, sizeof(*page));
    assert_non_null(page);
    page->sections[SECTION_HEADER].count = header;
    page->sections[SECTION_ROUTES] = (struct top_section){.count = routes, .fixed = routes > 0};
    page->sections[SECTION_HOSTS] = (struct top_section){.count = hosts, .fixed = hosts > 0};
    return page;
}

/* Marks the lines that a scrolled screen shows, and returns how many rows it takes. */
static size_t look(struct top_page *page, size_t rows, size_t scroll)
{
    const struct top_layout layout = top_layout(page, rows, scroll);
    size_t shown = 0;
    for (int i = 0; i < SECTIONS; i++) {
        struct top_section *section = &page->sections[i];
        for (size_t row = 0; row < layout.windows[i].rows; row++, shown++) {
            const struct top_line *line = top_layout_line(section, &layout.windows[i], row);
            assert_in_range(line - section->lines, 0, section->count - 1);
            section->lines[line - section->lines].text[0] = 'x';
        }
    }
    return shown;
}

static void expect_all_seen(const struct top_page *page)
{
    for (int i = 0; i < SECTIONS; i++)
        for (size_t at = 0; at < page->sections[i].count; at++)
            assert_int_equal(page->sections[i].lines[at].text[0], 'x');
}

static void expect_reachable(size_t header, size_t routes, size_t hosts, size_t rows)
{
    struct top_page *page = page_new(header, routes, hosts);
    const size_t all = header + routes + hosts, most = top_layout(page, rows, SIZE_MAX).scroll;
    for (size_t scroll = 0; scroll <= most; scroll++) {
        const size_t shown = look(page, rows, scroll);
        assert_int_equal(shown, rows < all ? rows : all);
        assert_int_equal(top_layout(page, rows, scroll).scroll, scroll);
    }
    if (rows >= 8)
        expect_all_seen(page);
    if (rows >= all)
        assert_int_equal(most, 0);
    free(page);
}

static void a_screen_of_any_size_is_filled_and_scrolling_reaches_each_line(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 9, 65};
    for (size_t rows = 0; rows <= ROWS_MAX; rows++)
        for (size_t routes = 0; routes < 4; routes++)
            for (size_t hosts = 0; hosts < 4; hosts++)
                expect_reachable(7, counts[routes], counts[hosts], rows);
    expect_reachable(11, 0, 0, 3);
}

static void titles_stay_where_they_are(void **state)
{
    (void)state;
    struct top_page *page = page_new(7, 65, 1);
    const struct top_layout layout = top_layout(page, 20, 10);
    const struct top_section *routes = &page->sections[SECTION_ROUTES];
    assert_int_equal(layout.windows[SECTION_HEADER].first, 0);
    assert_ptr_equal(top_layout_line(routes, &layout.windows[SECTION_ROUTES], 0), &routes->lines[0]);
    assert_ptr_equal(top_layout_line(routes, &layout.windows[SECTION_ROUTES], 1), &routes->lines[11]);
    free(page);
}

static void hosts_that_are_out_show_however_many_routes_there_are(void **state)
{
    (void)state;
    struct top_page *page = page_new(7, 65, 40);
    assert_true(top_layout(page, 22, 0).windows[SECTION_HOSTS].rows >= 5);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_screen_of_any_size_is_filled_and_scrolling_reaches_each_line),
        cmocka_unit_test(titles_stay_where_they_are),
        cmocka_unit_test(hosts_that_are_out_show_however_many_routes_there_are),
    };
    return cmocka_run_group_tests_name("unit/larshm/top_layout", tests, NULL, NULL);
}
