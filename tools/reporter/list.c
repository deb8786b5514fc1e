/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/address.h"
#include "conf/log.h"
#include "tools/common/listing.h"
#include "tools/reporter/command.h"

static const char doc[] =
    "Shows call results, one line for each host and caller: all of them, those of a MODID, or of one route."
    "\v"
    "SUCCESSES and FAILURES are those of the caller's last report: the calls since the host last changed its state, "
    "or since its window (idle_timeout) began, as in Lars, and no totals; for totals use `larshm stats` on the "
    "caller. FAIL% is their share of failures ('-' "
    "without calls), STATE is what the caller thinks of the host (idle or overloaded), TIME is the caller's. "
    "On a terminal this is a table. Otherwise it is lines without a header, the same columns with a tab "
    "between them and TIME in Unix seconds, for scripts; later versions only append columns. "
    "Exit code 2: there are no results of that route.\n"
    "\n"
    "Examples:\n"
    "  larshm-reporter --db routes.db list\n"
    "  larshm-reporter --db routes.db list 1 2\n"
    "  larshm-reporter --db routes.db list | awk '$8 == \"overloaded\"'";

enum column {
    MODID,
    CMDID,
    HOST,
    CALLER,
    SUCCESSES,
    FAILURES,
    SHARE,
    STATE,
    TIME,
    COLUMNS
};

static void write_share(const struct status *status, listing_cell cell)
{
    uint64_t calls = (uint64_t)status->successes + status->failures;
    if (calls == 0)
        snprintf(cell, LISTING_CELL_SIZE, "-");
    else
        snprintf(cell, LISTING_CELL_SIZE, "%.1f", 100.0 * (double)status->failures / (double)calls);
}

static int on_row(void *arg, const struct status *status)
{
    struct listing *listing = arg;
    const struct sockaddr_in host = {.sin_addr = {status->host.address}, .sin_port = status->host.port};
    struct in_addr caller = {htonl(status->caller)};
    listing_cell cells[COLUMNS];
    snprintf(cells[MODID], sizeof(*cells), "%" PRIu32, status->route.modid);
    snprintf(cells[CMDID], sizeof(*cells), "%" PRIu32, status->route.cmdid);
    address_format(&host, cells[HOST]);
    inet_ntop(AF_INET, &caller, cells[CALLER], sizeof(*cells));
    snprintf(cells[SUCCESSES], sizeof(*cells), "%" PRIu32, status->successes);
    snprintf(cells[FAILURES], sizeof(*cells), "%" PRIu32, status->failures);
    write_share(status, cells[SHARE]);
    snprintf(cells[STATE], sizeof(*cells), "%s", status->overloaded ? "overloaded" : "idle");
    listing_write_time(listing, status->time, cells[TIME]);
    int rc = listing_add(listing, cells);
    if (status->overloaded)
        listing_tint(listing, STATE, TINT_TROUBLE);
    return rc;
}

static const struct listing_texts texts = {
    .empty = "no results yet: agents report to 'serve' on this database, see [reporter] in their "
             "configuration",
    .rows_of = "results of",
    .command = "list",
};

/* Returns the program's exit code. */
static int list(struct status_store *store, const struct selection *selection, struct listing *listing)
{
    if (status_store_list(store, selection->modid, selection->cmdid, on_row, listing) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", status_store_error(store));
        return EXIT_FAILURE;
    }
    return listing_end(listing, selection, &texts);
}

int command_list(const char *db, int argc, char **argv)
{
    static const struct grid_column columns[COLUMNS] = {[MODID] = {"MODID", GRID_RIGHT},
                                                        [CMDID] = {"CMDID", GRID_RIGHT},
                                                        [HOST] = {"HOST", GRID_LEFT},
                                                        [CALLER] = {"CALLER", GRID_LEFT},
                                                        [SUCCESSES] = {"SUCCESSES", GRID_RIGHT},
                                                        [FAILURES] = {"FAILURES", GRID_RIGHT},
                                                        [SHARE] = {"FAIL%", GRID_RIGHT},
                                                        [STATE] = {"STATE", GRID_LEFT},
                                                        [TIME] = {"TIME", GRID_LEFT}};
    struct selection selection;
    if (!selection_parse(&selection, doc, NULL, argc, argv))
        return EXIT_FAILURE;
    struct status_store *store = command_open_store(db, STORE_EXISTING);
    struct listing *listing = store ? listing_new(columns, COLUMNS) : NULL;
    int exit_code = listing ? list(store, &selection, listing) : EXIT_FAILURE;
    listing_free(listing);
    status_store_close(store);
    return exit_code;
}
