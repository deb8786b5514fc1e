/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/address.h"
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
    "With --csv it is a header and lines that 'route import' takes; hosts that it refuses are left out, with a "
    "warning. "
    "Exit code 2: there is no such route.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db route list\n"
    "  larshm-dns --db routes.db route list 1 2 | cut -f 3,4\n"
    "  larshm-dns --db routes.db route list --csv >routes.csv";

/* The rows of a list, and those that `route import` would refuse: only another program can have written them. */
struct rows {
    struct listing *listing;
    bool importable_only;
    uint64_t left_out;
    struct route_key key; /* of the first that is left out */
    struct host_addr host;
};

static bool importable(struct route_key key, struct host_addr host)
{
    return host.address != INADDR_BROADCAST && !route_key_is_none(key);
}

static int on_row(void *arg, struct route_key key, struct host_addr host)
{
    struct rows *rows = arg;
    if (rows->importable_only && !importable(key, host)) {
        if (rows->left_out++ == 0) {
            rows->key = key;
            rows->host = host;
        }
        listing_leave_out(rows->listing);
        return 0;
    }
    const struct in_addr address = {.s_addr = host.address};
    listing_cell cells[COLUMNS];
    snprintf(cells[0], sizeof(*cells), "%" PRIu32, key.modid);
    snprintf(cells[1], sizeof(*cells), "%" PRIu32, key.cmdid);
    inet_ntop(AF_INET, &address, cells[2], sizeof(*cells));
    snprintf(cells[3], sizeof(*cells), "%u", (unsigned)ntohs(host.port));
    return listing_add(rows->listing, cells);
}

static const struct listing_texts texts = {
    .empty = "no routes yet: 'route add' and 'route import' add some",
    .rows_of = "route",
    .command = "route list",
};

static void log_left_out(const struct rows *rows)
{
    const struct sockaddr_in host = {.sin_addr = {rows->host.address}, .sin_port = rows->host.port};
    char name[ADDRESS_TEXT_SIZE];
    address_format(&host, name);
    log_line(LOG_LEVEL_WARNING,
             "%" PRIu64 " host%s left out that 'route import' refuses, the first is %" PRIu32 " %" PRIu32
             " %s: delete %s with 'route del'",
             rows->left_out, rows->left_out == 1 ? " is" : "s are", rows->key.modid, rows->key.cmdid, name,
             rows->left_out == 1 ? "it" : "them");
}

/* Returns the program's exit code. */
static int list(struct store *store, const struct selection *selection, struct rows *rows)
{
    if (store_list(store, selection->modid, selection->cmdid, on_row, rows) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", store_error(store));
        return EXIT_FAILURE;
    }
    if (rows->left_out)
        log_left_out(rows);
    return listing_end(rows->listing, selection, &texts);
}

int command_route_list(const char *db, int argc, char **argv)
{
    static const struct grid_column columns[COLUMNS] = {
        {"MODID", GRID_RIGHT}, {"CMDID", GRID_RIGHT}, {"IP", GRID_RIGHT}, {"PORT", GRID_RIGHT}};
    static const char *const csv_names[COLUMNS] = {"modid", "cmdid", "ip", "port"};
    struct selection_flag csv = {.name = "csv", .doc = "lines with commas between the columns, and a header"};
    struct selection selection;
    if (!selection_parse(&selection, doc, &csv, argc, argv))
        return EXIT_FAILURE;
    struct store *store = command_open_store(db, STORE_EXISTING);
    struct rows rows = {.importable_only = csv.given};
    if (store)
        rows.listing = csv.given ? listing_new_csv(csv_names, COLUMNS) : listing_new(columns, COLUMNS);
    int exit_code = rows.listing ? list(store, &selection, &rows) : EXIT_FAILURE;
    listing_free(rows.listing);
    store_close(store);
    return exit_code;
}
