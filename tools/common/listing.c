/* SPDX-License-Identifier: MIT */
#include "tools/common/listing.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "conf/log.h"
#include "tools/common/program.h"

struct listing {
    struct grid *grid; /* NULL: plain lines */
    size_t columns;
    char separator; /* in plain lines */
    uint64_t rows;
};

enum {
    KEY_FLAG = 256,
};

struct words {
    struct selection *selection;
    struct selection_flag *flag;
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    struct words *words = state->input;
    struct selection *selection = words->selection;
    switch (key) {
    case KEY_FLAG:
        words->flag->given = true;
        return 0;
    case ARGP_KEY_ARG:
        if (selection->count == 2)
            argp_error(state, "too many arguments");
        selection->words[selection->count++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool selection_parse(struct selection *selection, const char *doc, struct selection_flag *flag, int argc,
                     char **argv)
{
    static const char *const names[2] = {"MODID", "CMDID"};
    const struct argp_option options[] = {
        {flag ? flag->name : NULL, flag ? KEY_FLAG : 0, NULL, 0, flag ? flag->doc : NULL, 0}, {0}};
    const struct argp argp = {flag ? options : NULL, parse_word, "[MODID [CMDID]]", doc, NULL, NULL, NULL};
    struct words words = {selection, flag};
    *selection = (struct selection){.count = 0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &words) != 0)
        return false;
    for (unsigned i = 0; i < selection->count; i++)
        if (!command_read_id(names[i], selection->words[i], &selection->ids[i]))
            return false;
    if (selection->count > 0)
        selection->modid = &selection->ids[0];
    if (selection->count > 1)
        selection->cmdid = &selection->ids[1];
    snprintf(selection->name, sizeof(selection->name), "%s%s%s", selection->modid ? selection->words[0] : "",
             selection->cmdid ? " " : "", selection->cmdid ? selection->words[1] : "");
    return true;
}

static struct listing *out_of_memory(struct listing *listing)
{
    log_line(LOG_LEVEL_ERROR, "out of memory");
    free(listing);
    return NULL;
}

static struct listing *new_lines(size_t columns, char separator)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing)
        return out_of_memory(NULL);
    listing->columns = columns;
    listing->separator = separator;
    return listing;
}

struct listing *listing_new(const struct grid_column *columns, size_t count)
{
    struct listing *listing = new_lines(count, '\t');
    if (listing && isatty(STDOUT_FILENO) && !(listing->grid = grid_new(columns, count)))
        return out_of_memory(listing);
    return listing;
}

static int print_row(const struct listing *listing, const char *const *cells)
{
    for (size_t i = 0; i < listing->columns; i++)
        if (printf("%s%c", cells[i], i + 1 < listing->columns ? listing->separator : '\n') < 0)
            return -1;
    return 0;
}

struct listing *listing_new_csv(const char *const *names, size_t columns)
{
    struct listing *listing = new_lines(columns, ',');
    if (listing)
        print_row(listing, names);
    return listing;
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    grid_free(listing->grid);
    free(listing);
}

int listing_add_texts(struct listing *listing, const char *const *cells)
{
    listing->rows++;
    if (!listing->grid)
        return print_row(listing, cells);
    grid_row(listing->grid, cells, NULL);
    return 0;
}

int listing_add(struct listing *listing, listing_cell *cells)
{
    const char *row[LISTING_COLUMNS_MAX];
    for (size_t i = 0; i < listing->columns; i++)
        row[i] = cells[i];
    return listing_add_texts(listing, row);
}

void listing_tint(struct listing *listing, size_t column, enum tint tint)
{
    if (listing->grid)
        grid_tint(listing->grid, column, tint);
}

void listing_leave_out(struct listing *listing)
{
    listing->rows++;
}

static bool same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

void listing_write_time(const struct listing *listing, int64_t seconds, listing_cell cell)
{
    const time_t now = time(NULL), then = (time_t)seconds;
    struct tm today, tm;
    if (!listing->grid || !localtime_r(&now, &today) || !localtime_r(&then, &tm) ||
        strftime(cell, LISTING_CELL_SIZE, same_day(&tm, &today) ? "%T" : "%F %T", &tm) == 0)
        snprintf(cell, LISTING_CELL_SIZE, "%" PRId64, seconds);
}

int listing_end(struct listing *listing, const struct selection *selection, const struct listing_texts *texts)
{
    if (listing->grid && grid_print(listing->grid) != 0) {
        listing->grid = NULL;
        log_line(LOG_LEVEL_ERROR, "out of memory");
        return EXIT_FAILURE;
    }
    listing->grid = NULL;
    if (listing->rows > 0)
        return EXIT_SUCCESS;
    if (selection->count == 0) {
        log_line(LOG_LEVEL_INFO, "%s", texts->empty);
        return EXIT_SUCCESS;
    }
    log_line(LOG_LEVEL_ERROR, "no %s %s: see '%s'", texts->rows_of, selection->name, texts->command);
    return EXIT_NO_ROUTE;
}
