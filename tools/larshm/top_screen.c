/* SPDX-License-Identifier: MIT */
#include "tools/larshm/top_screen.h"

#include <curses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "tools/larshm/top_layout.h"

static const char hint[] = "q quit  s sort  p pause  h help";

struct top_screen {
    SCREEN *terminal;
    FILE *keys;
    size_t scroll;
    bool coloured;
};

/* Standard input may be something else. */
static FILE *open_keys(void)
{
    return isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
}

static void close_keys(FILE *keys)
{
    if (keys && keys != stdin)
        fclose(keys);
}

bool top_screen_possible(void)
{
    if (!isatty(STDOUT_FILENO))
        return false;
    FILE *keys = open_keys();
    close_keys(keys);
    return keys != NULL;
}

static void begin(struct top_screen *screen)
{
    cbreak();
    noecho();
    nonl();
    nodelay(stdscr, true);
    keypad(stdscr, true);
    curs_set(0);
    screen->coloured = tint_wanted() && has_colors() && start_color() == OK && use_default_colors() == OK;
    if (!screen->coloured)
        return;
    init_pair(TINT_GOOD, COLOR_GREEN, -1);
    init_pair(TINT_WARNING, COLOR_YELLOW, -1);
    init_pair(TINT_TROUBLE, COLOR_RED, -1);
}

/* A dumb terminal has lines alone. */
static bool has_places(void)
{
    const char *move = tigetstr("cup");
    return move && move != (const char *)-1;
}

struct top_screen *top_screen_open(void)
{
    struct top_screen *screen = calloc(1, sizeof(*screen));
    if (screen && (screen->keys = open_keys()))
        screen->terminal = newterm(NULL, stdout, screen->keys);
    if (!screen || !screen->terminal || !has_places()) {
        top_screen_close(screen);
        return NULL;
    }
    begin(screen);
    return screen;
}

void top_screen_close(struct top_screen *screen)
{
    if (!screen)
        return;
    if (screen->terminal) {
        endwin();
        delscreen(screen->terminal);
    }
    close_keys(screen->keys);
    free(screen);
}

static void put(const struct top_screen *screen, int row, const struct top_line *line, bool title)
{
    const attr_t colour =
        screen->coloured && line->tint != TINT_NONE ? (attr_t)COLOR_PAIR(line->tint) : A_NORMAL;
    const attr_t attributes = colour | (title ? A_BOLD : A_NORMAL);
    attron(attributes);
    mvaddnstr(row, 0, line->text, COLS);
    attroff(attributes);
}

static void put_reversed(int row, const char *text)
{
    attron(A_REVERSE);
    mvprintw(row, 0, "%-*.*s", COLS, COLS, text);
    attroff(A_REVERSE);
}

/* The first row has the title, and the last one, of a screen that is not all too small, the keys. */
void top_screen_draw(struct top_screen *screen, const char *title, const struct top_page *page)
{
    const int hints = LINES >= 5, rows = LINES - 1 - hints;
    const struct top_layout layout = top_layout(page, rows > 0 ? (size_t)rows : 0, screen->scroll);
    int row = 1;
    screen->scroll = layout.scroll;
    erase();
    put_reversed(0, title);
    for (int i = 0; i < SECTIONS; i++) {
        const struct top_section *section = &page->sections[i];
        for (size_t at = 0; at < layout.windows[i].rows; at++)
            put(screen, row++, top_layout_line(section, &layout.windows[i], at), at < section->fixed);
    }
    if (hints)
        put_reversed(LINES - 1, hint);
    refresh();
}

static enum top_key scrolled(struct top_screen *screen, size_t up, size_t down)
{
    screen->scroll = screen->scroll + down - (up < screen->scroll ? up : screen->scroll);
    return KEY_IS_REDRAW;
}

static enum top_key meaning(struct top_screen *screen, int key)
{
    const size_t page = LINES > 4 ? (size_t)LINES / 2 : 1;
    switch (key) {
    case 'q':
    case 'Q':
        return KEY_IS_QUIT;
    case 's':
        return KEY_IS_SORT;
    case 'p':
        return KEY_IS_PAUSE;
    case 'h':
    case '?':
        return KEY_IS_HELP;
    case KEY_UP:
        return scrolled(screen, 1, 0);
    case KEY_DOWN:
        return scrolled(screen, 0, 1);
    case KEY_PPAGE:
        return scrolled(screen, page, 0);
    case KEY_NPAGE:
        return scrolled(screen, 0, page);
    case KEY_RESIZE:
        return KEY_IS_REDRAW;
    default:
        return KEY_IS_NONE;
    }
}

enum top_key top_screen_key(struct top_screen *screen, uint32_t wait_ms)
{
    int key = getch();
    if (key == ERR) {
        struct pollfd input = {.fd = fileno(screen->keys), .events = POLLIN};
        poll(&input, 1, (int)wait_ms);
        if (input.revents & (POLLHUP | POLLERR | POLLNVAL))
            return KEY_IS_GONE;
        key = getch();
    }
    return key == ERR ? KEY_IS_NONE : meaning(screen, key);
}
