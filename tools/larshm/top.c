/* SPDX-License-Identifier: MIT */
/* `larshm top`: an instance, live. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/interrupt.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"
#include "tools/larshm/top_screen.h"

static const char doc[] =
    "Shows an instance live on a terminal: its fetcher and directory, how much of everything there is in a second, the "
    "routes that are looked up most, and the hosts that are out of rotation, and why. Goes on while the fetcher is "
    "dead, and waits for one that has never run.\v"
    "Keys: q quits, s sorts the routes by rate, failures or age, p pauses, h helps, arrows and page keys scroll.\n"
    "With --once, and where standard output is no terminal, it prints the rates of one interval, and ends.\n\n"
    "Examples:\n"
    "  larshm top\n"
    "  larshm -n staging top -d 5\n"
    "  larshm top --once -d 10 | grep 'per s'\n\n" EXIT_CODES_DOC;

enum {
    OPTION_ONCE = 256,
    INTERVAL_MAX_S = 3600,
    LOOK_MS = 100, /* between looks for a new list of routes */
};

static const struct argp_option options[] = {
    {"interval", 'd', "SECONDS", 0, "how often numbers change: 1, if not given", 0},
    {"once", OPTION_ONCE, NULL, 0, "print it once, after one interval", 0},
    {0},
};

struct top {
    struct common *common;
    uint32_t interval_s;
    bool once, paused, help;
    enum top_sort sort;
    struct top_reader reader;
    struct top_sample samples[2]; /* before, and now */
    struct top_rates rates;
    struct top_page page;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct top *top = state->input;
    switch (key) {
    case 'd':
        top->interval_s = take_number(state, "-d", arg, 1, INTERVAL_MAX_S);
        return 0;
    case OPTION_ONCE:
        top->once = true;
        return 0;
    case ARGP_KEY_END:
        if (top->common->json)
            argp_error(state, "top prints no JSON: `larshm -j show` has what it makes rates of");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "", doc, common_children, NULL, NULL};

static void sample(struct top *top)
{
    top->samples[0] = top->samples[1];
    top_reader_sample(&top->reader, &top->samples[1]);
    top_rates_update(&top->rates, &top->samples[0], &top->samples[1]);
}

static void write_page(struct top *top)
{
    top_rates_sort(&top->rates, top->sort);
    if (top->help)
        top_page_help(&top->page);
    else
        top_page_write(&top->page, top->common->instance, &top->samples[1], &top->rates);
}

static uint64_t left_ms(uint64_t until)
{
    const uint64_t now = clock_tick();
    return until > now ? until - now : 0;
}

static void print_page(const struct top_page *page)
{
    for (int i = 0; i < SECTIONS; i++) {
        const struct top_section *section = &page->sections[i];
        for (size_t at = 0; at < section->count; at++) {
            const struct top_line *line = &section->lines[at];
            printf("%s%s%s\n", tint_on(line->tint), line->text, tint_off(line->tint));
        }
        if (i + 1 < SECTIONS)
            putchar('\n');
    }
}

static int once(struct top *top)
{
    const uint64_t due = clock_tick() + top->interval_s * UINT64_C(1000);
    if (top->samples[1].status != SHM_OK)
        return fail_unopened(top->common, (int)top->samples[1].status);
    interrupt_catch();
    for (uint64_t left; !interrupted() && (left = left_ms(due)) > 0;) {
        usleep((useconds_t)(left < LOOK_MS ? left : LOOK_MS) * 1000);
        top_reader_look(&top->reader);
    }
    sample(top);
    if (top->samples[1].status != SHM_OK)
        return fail_unopened(top->common, (int)top->samples[1].status);
    write_page(top);
    print_page(&top->page);
    return EXIT_SUCCESS;
}

static void draw(struct top *top, struct top_screen *screen)
{
    char title[160];
    snprintf(title, sizeof(title), "larshm %.32s  %.20s  every %u s, by %s%s", top->common->instance,
             text_moment(top->samples[1].unix_ms, top->samples[1].unix_ms).is, top->interval_s,
             top_sort_names[top->sort], top->paused ? "  PAUSED" : "");
    write_page(top);
    top_screen_draw(screen, title, &top->page);
}

/* False: it is the end. */
static bool obey(struct top *top, enum top_key key)
{
    if (key == KEY_IS_SORT)
        top->sort = (top->sort + 1) % SORTS;
    else if (key == KEY_IS_PAUSE)
        top->paused = !top->paused;
    else if (key == KEY_IS_HELP)
        top->help = !top->help;
    return key != KEY_IS_QUIT && key != KEY_IS_GONE;
}

static void follow(struct top *top, struct top_screen *screen)
{
    uint64_t due = clock_tick() + top->interval_s * UINT64_C(1000);
    draw(top, screen);
    while (!interrupted()) {
        const uint64_t left = left_ms(due);
        const enum top_key key = top_screen_key(screen, left < LOOK_MS ? (uint32_t)left : LOOK_MS);
        if (!obey(top, key))
            return;
        top_reader_look(&top->reader);
        const bool now = left_ms(due) == 0;
        if (now)
            due = clock_tick() + top->interval_s * UINT64_C(1000);
        if (now && !top->paused)
            sample(top);
        if (now || key != KEY_IS_NONE)
            draw(top, screen);
    }
}

static int live(struct top *top)
{
    interrupt_catch(); /* before curses, which leaves handlers alone that it finds */
    struct top_screen *screen = top_screen_open();
    if (!screen) {
        const char *term = getenv("TERM");
        return fail(
            top->common, EXIT_USAGE,
            "the terminal \"%.32s\" is not known, or has no cursor to move: set TERM to one that infocmp(1) shows, or use "
            "--once",
            term ? term : "");
    }
    follow(top, screen);
    top_screen_close(screen);
    return EXIT_SUCCESS;
}

int command_top(struct common *common, int argc, char **argv)
{
    struct top *top = calloc(1, sizeof(*top));
    if (!top)
        return say_no_memory();
    top->common = common;
    top->interval_s = 1;
    int code = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, top) != 0)
        code = EXIT_USAGE;
    else if (top_reader_init(&top->reader, common->instance) != 0)
        code = say_no_memory();
    else {
        top_reader_sample(&top->reader, &top->samples[1]);
        if (top->samples[1].status == SHM_BAD_ARGUMENT)
            code = fail_unopened(common, (int)SHM_BAD_ARGUMENT);
        else
            code = top->once || !top_screen_possible() ? once(top) : live(top);
        top_reader_close(&top->reader);
    }
    free(top);
    return code;
}
