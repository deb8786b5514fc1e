/* SPDX-License-Identifier: MIT */
#include "tools/common/listing.h"

#include <argp.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/log.h"
#include "tools/common/program.h"

struct listing {
    struct libscols_table *table; /* NULL: plain lines */
    size_t columns;
    uint64_t rows;
    bool out_of_memory;
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

static struct libscols_table *new_table(const char *const *names, size_t columns)
{
    struct libscols_table *table = scols_new_table();
    for (size_t i = 0; table && i < columns; i++) {
        if (!scols_table_new_column(table, names[i], 0, SCOLS_FL_RIGHT)) {
            scols_unref_table(table);
            table = NULL;
        }
    }
    return table;
}

struct listing *listing_new(const char *const *names, size_t columns)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing || (isatty(STDOUT_FILENO) && !(listing->table = new_table(names, columns)))) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        free(listing);
        return NULL;
    }
    listing->columns = columns;
    return listing;
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    scols_unref_table(listing->table);
    free(listing);
}

bool listing_is_table(const struct listing *listing)
{
    return listing->table != NULL;
}

uint64_t listing_rows(const struct listing *listing)
{
    return listing->rows;
}

static int add_line(struct libscols_table *table, size_t columns, listing_cell *cells)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (!line)
        return -1;
    for (size_t i = 0; i < columns; i++)
        if (scols_line_set_data(line, i, cells[i]) != 0)
            return -1;
    return 0;
}

int listing_add(struct listing *listing, listing_cell *cells)
{
    listing->rows++;
    if (listing->table) {
        listing->out_of_memory = add_line(listing->table, listing->columns, cells) != 0;
        return listing->out_of_memory ? -1 : 0;
    }
    for (size_t i = 0; i < listing->columns; i++)
        if (printf("%s%c", cells[i], i + 1 < listing->columns ? '\t' : '\n') < 0)
            return -1;
    return 0;
}

int listing_end(struct listing *listing)
{
    if (listing->table && listing->rows && !listing->out_of_memory)
        listing->out_of_memory = scols_print_table(listing->table) != 0;
    if (listing->out_of_memory) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        return -1;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_line(LOG_LEVEL_ERROR, "cannot write the list to stdout");
        return -1;
    }
    return 0;
}
