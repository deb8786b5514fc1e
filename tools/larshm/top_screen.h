/* SPDX-License-Identifier: MIT */
/* The terminal of `larshm top`. */
#ifndef TOOLS_LARSHM_TOP_SCREEN_H
#define TOOLS_LARSHM_TOP_SCREEN_H

#include <stdint.h>

#include "tools/larshm/top_text.h"

enum top_key {
    KEY_IS_NONE,
    KEY_IS_QUIT,
    KEY_IS_SORT,
    KEY_IS_PAUSE,
    KEY_IS_HELP,
    KEY_IS_REDRAW, /* another size, or scrolled */
    KEY_IS_GONE,   /* the terminal has hung up */
};

struct top_screen;

/* True if standard output is a terminal, and keys can be read from one. */
bool top_screen_possible(void);

/* NULL: the terminal has no description or no cursor to move, or memory ran out. */
struct top_screen *top_screen_open(void);

/* Leaves the terminal as it was. NULL is fine. */
void top_screen_close(struct top_screen *screen);

void top_screen_draw(struct top_screen *screen, const char *title, const struct top_page *page);

/* The next key, or none after `wait_ms`, and after a signal. */
enum top_key top_screen_key(struct top_screen *screen, uint32_t wait_ms);

#endif
