/* SPDX-License-Identifier: MIT */
#include "tools/common/listing.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/log.h"
#include "tools/common/grid.h"
#include "tools/common/program.h"

struct listing {
    struct grid *grid; /* NULL: plain lines */
    size_t columns;
    uint64_t rows;
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    struct selection *selection = state->input;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (selection->count == 2)
        argp_error(state, "too many arguments");
    selection->words[selection->count++] = arg;
    return 0;
}

bool selection_parse(struct selection *selection, const char *doc, int argc, char **argv)
{
    static const char *const names[2] = {"MODID", "CMDID"};
    const struct argp argp = {NULL, parse_word, "[MODID [CMDID]]", doc, NULL, NULL, NULL};
    *selection = (struct selection){.count = 0};
    if (argp_parse(&argp, argc, argv, 0, NULL, selection) != 0)
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

struct listing *listing_new(const char *const *names, size_t columns)
{
    struct grid_column described[LISTING_COLUMNS_MAX];
    struct listing *listing = calloc(1, sizeof(*listing));
    if (listing)
        listing->columns = columns;
    for (size_t i = 0; i < columns; i++)
        described[i] = (struct grid_column){names[i], true};
    if (!listing || (isatty(STDOUT_FILENO) && !(listing->grid = grid_new(described, columns)))) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        free(listing);
        return NULL;
    }
    return listing;
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    grid_free(listing->grid);
    free(listing);
}

bool listing_is_table(const struct listing *listing)
{
    return listing->grid != NULL;
}

int listing_add(struct listing *listing, listing_cell *cells)
{
    const char *row[LISTING_COLUMNS_MAX];
    listing->rows++;
    for (size_t i = 0; i < listing->columns; i++)
        row[i] = cells[i];
    if (listing->grid)
        grid_row(listing->grid, row, NULL);
    for (size_t i = 0; !listing->grid && i < listing->columns; i++)
        if (printf("%s%c", row[i], i + 1 < listing->columns ? '\t' : '\n') < 0)
            return -1;
    return 0;
}

/* Prints what is not printed yet. */
static bool finish(struct listing *listing)
{
    if (listing->grid && grid_print(listing->grid) != 0)
        log_line(LOG_LEVEL_ERROR, "out of memory");
    else if (fflush(stdout) != 0 || ferror(stdout))
        log_line(LOG_LEVEL_ERROR, "cannot write the list to stdout");
    else
        return true;
    return false;
}

int listing_end(struct listing *listing, const struct selection *selection, const struct listing_texts *texts)
{
    bool printed = finish(listing);
    listing->grid = NULL;
    if (!printed)
        return EXIT_FAILURE;
    if (listing->rows > 0)
        return EXIT_SUCCESS;
    if (selection->count == 0) {
        log_line(LOG_LEVEL_INFO, "%s", texts->empty);
        return EXIT_SUCCESS;
    }
    log_line(LOG_LEVEL_ERROR, "no %s %s: see '%s'", texts->rows_of, selection->name, texts->command);
    return EXIT_NO_ROUTE;
}
