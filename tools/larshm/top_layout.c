/* SPDX-License-Identifier: MIT */
#include "tools/larshm/top_layout.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Where there is not room for all, the header has at most half of the screen, and hosts have a third of the rest. */
static void share_rows(const struct top_page *page, size_t rows, struct top_window windows[static SECTIONS])
{
    const size_t header = page->sections[SECTION_HEADER].count, routes = page->sections[SECTION_ROUTES].count,
                 hosts = page->sections[SECTION_HOSTS].count;
    const size_t body = routes + hosts, half = (rows + 1) / 2, rest = rows > body ? rows - body : 0;
    windows[SECTION_HEADER].rows = least(header, half > rest ? half : rest);
    rows -= windows[SECTION_HEADER].rows;
    const size_t third = least(hosts, (rows + 2) / 3);
    windows[SECTION_ROUTES].rows = least(routes, rows - third);
    windows[SECTION_HOSTS].rows = least(hosts, rows - windows[SECTION_ROUTES].rows);
}

/* The titles stay where at least one more line has room. */
static size_t titles(const struct top_section *section, size_t rows)
{
    return rows > section->fixed ? section->fixed : 0;
}

struct top_layout top_layout(const struct top_page *page, size_t rows, size_t scroll)
{
    struct top_layout layout = {.scroll = 0};
    share_rows(page, rows, layout.windows);
    for (int i = 0; i < SECTIONS; i++) {
        struct top_window *window = &layout.windows[i];
        const size_t hidden = window->rows ? page->sections[i].count - window->rows : 0;
        window->first = least(scroll, hidden);
        scroll -= window->first;
        layout.scroll += window->first;
    }
    return layout;
}

const struct top_line *top_layout_line(const struct top_section *section, const struct top_window *window,
                                       size_t row)
{
    return &section->lines[row < titles(section, window->rows) ? row : row + window->first];
}
