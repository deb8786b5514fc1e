/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/log.h"
#include "tools/common/listing.h"
#include "tools/dns/command.h"

enum {
    COLUMNS = 4,
};

static const char doc[] =
    "Shows routes, one line for each host: all routes, those of a MODID, or one."
    "\v"
    "On a terminal this is a table. Otherwise it is lines without a header, MODID, CMDID, IP and PORT "
    "with a tab between them, for scripts; later versions only append columns. "
    "With --csv it is a header and lines that 'route import' takes. "
    "Exit code 2: there is no such route.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db route list\n"
    "  larshm-dns --db routes.db route list 1 2 | cut -f 3,4\n"
    "  larshm-dns --db routes.db route list --csv >routes.csv";

static int on_row(void *arg, struct route_key key, struct host_addr host)
{
    const struct in_addr address = {.s_addr = host.address};
    listing_cell cells[COLUMNS];
    snprintf(cells[0], sizeof(*cells), "%" PRIu32, key.modid);
    snprintf(cells[1], sizeof(*cells), "%" PRIu32, key.cmdid);
    inet_ntop(AF_INET, &address, cells[2], sizeof(*cells));
    snprintf(cells[3], sizeof(*cells), "%u", (unsigned)ntohs(host.port));
    return listing_add(arg, cells);
}

static const struct listing_texts texts = {
    .empty = "no routes yet: 'route add' and 'route import' add some",
    .rows_of = "route",
    .command = "route list",
};

/* Returns the program's exit code. */
static int list(struct store *store, const struct selection *selection, struct listing *listing)
{
    if (store_list(store, selection->modid, selection->cmdid, on_row, listing) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", store_error(store));
        return EXIT_FAILURE;
    }
    return listing_end(listing, selection, &texts);
}

int command_route_list(const char *db, int argc, char **argv)
{
    static const char *const names[COLUMNS] = {"MODID", "CMDID", "IP", "PORT"};
    static const char *const csv_names[COLUMNS] = {"modid", "cmdid", "ip", "port"};
    struct selection_flag csv = {.name = "csv", .doc = "lines with commas between the columns, and a header"};
    struct selection selection;
    if (!selection_parse(&selection, doc, &csv, argc, argv))
        return EXIT_FAILURE;
    struct store *store = command_open_store(db, STORE_EXISTING);
    struct listing *listing = NULL;
    if (store)
        listing = csv.given ? listing_new_csv(csv_names, COLUMNS) : listing_new(names, COLUMNS);
    int exit_code = listing ? list(store, &selection, listing) : EXIT_FAILURE;
    listing_free(listing);
    store_close(store);
    return exit_code;
}
