/* SPDX-License-Identifier: MIT */
/* What `larshm top` says, as lines for a screen or for a file. */
#ifndef TOOLS_LARSHM_TOP_TEXT_H
#define TOOLS_LARSHM_TOP_TEXT_H

#include "tools/common/tint.h"
#include "tools/larshm/top_rates.h"

enum {
    TOP_LINES = 1 + TOP_HOSTS, /* of a section at most */
};

struct top_line {
    enum tint tint;
    char text[256];
};

/* Of lines below each other; the first `fixed` ones are titles, which stay when the rest is scrolled. */
struct top_section {
    size_t count, fixed;
    struct top_line lines[TOP_LINES];
};

enum {
    SECTION_HEADER,
    SECTION_ROUTES,
    SECTION_HOSTS,
    SECTIONS,
};

struct top_page {
    struct top_section sections[SECTIONS];
};

void top_page_write(struct top_page *page, const char *instance, const struct top_sample *sample,
                    const struct top_rates *rates);

/* The keys, and what the columns mean. */
void top_page_help(struct top_page *page);

#endif
