/* SPDX-License-Identifier: MIT */
/* Which lines of a page a screen shows: all sections share it, and scrolling moves through one after the other. */
#ifndef TOOLS_LARSHM_TOP_LAYOUT_H
#define TOOLS_LARSHM_TOP_LAYOUT_H

#include "tools/larshm/top_text.h"

struct top_window {
    size_t rows;  /* of the screen */
    size_t first; /* line of the section that comes behind its titles */
};

struct top_layout {
    struct top_window windows[SECTIONS];
    size_t scroll; /* what was wanted, and is possible */
};

struct top_layout top_layout(const struct top_page *page, size_t rows, size_t scroll);

/* The line that row `row` of the window shows. */
const struct top_line *top_layout_line(const struct top_section *section, const struct top_window *window,
                                       size_t row);

#endif
