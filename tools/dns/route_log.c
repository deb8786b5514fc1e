/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "tools/common/listing.h"
#include "tools/dns/command.h"

static const char doc[] =
    "Shows what edits made of routes, one line for each edit and route: of all routes, those of a MODID, or one."
    "\v"
    "EDIT is the number that 'route undo' takes, BEFORE and AFTER are the hosts of the route, '-' for none. "
    "On a terminal this is a table. Otherwise it is lines without a header, the same columns with a tab between "
    "them and TIME in Unix seconds, for scripts; later versions only append columns. The newest 1000 edits are kept; "
    "what other programs edit is not in it. "
    "Exit code 2: there are no edits of that route.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db route log\n"
    "  larshm-dns --db routes.db route log 1 2 | tail -n 1";

enum column {
    EDIT,
    TIME,
    USER,
    MODID,
    CMDID,
    BEFORE,
    AFTER,
    COLUMNS
};

/* Another program may have stored any text. For the caller to free. */
static char *printable(const char *text)
{
    char *copy = strdup(*text ? text : "-");
    for (char *at = copy; at && *at; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
    return copy;
}

static int on_row(void *arg, const struct store_log_row *row)
{
    struct listing *listing = arg;
    listing_cell edit, time, modid, cmdid;
    char *user = printable(row->user), *before = printable(row->before), *after = printable(row->after);
    snprintf(edit, sizeof(edit), "%" PRId64, row->edit);
    listing_write_time(listing, row->time, time);
    snprintf(modid, sizeof(modid), "%" PRIu32, row->key.modid);
    snprintf(cmdid, sizeof(cmdid), "%" PRIu32, row->key.cmdid);
    const char *const cells[COLUMNS] = {edit, time, user, modid, cmdid, before, after};
    int rc = -1;
    if (user && before && after)
        rc = listing_add_texts(listing, cells);
    else
        log_line(LOG_LEVEL_ERROR, "out of memory");
    free(user);
    free(before);
    free(after);
    return rc;
}

static const struct listing_texts texts = {
    .empty = "no edits yet: 'route add', 'route set', 'route del' and 'route import' make some",
    .rows_of = "edits of",
    .command = "route log",
};

/* Returns the program's exit code. */
static int list(struct store *store, const struct selection *selection, struct listing *listing)
{
    if (store_log(store, selection->modid, selection->cmdid, on_row, listing) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", store_error(store));
        return EXIT_FAILURE;
    }
    return listing_end(listing, selection, &texts);
}

int command_route_log(const char *db, int argc, char **argv)
{
    static const struct grid_column columns[COLUMNS] = {
        [EDIT] = {"EDIT", GRID_RIGHT},   [TIME] = {"TIME", GRID_LEFT},    [USER] = {"USER", GRID_LEFT},
        [MODID] = {"MODID", GRID_RIGHT}, [CMDID] = {"CMDID", GRID_RIGHT}, [BEFORE] = {"BEFORE", GRID_FOLD},
        [AFTER] = {"AFTER", GRID_FOLD}};
    struct selection selection;
    if (!selection_parse(&selection, doc, NULL, argc, argv))
        return EXIT_FAILURE;
    struct store *store = command_open_store(db, STORE_EXISTING);
    struct listing *listing = store ? listing_new(columns, COLUMNS) : NULL;
    int exit_code = listing ? list(store, &selection, listing) : EXIT_FAILURE;
    listing_free(listing);
    store_close(store);
    return exit_code;
}
