/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/dns/command.h"
#include "tools/dns/log.h"

static const char doc[] =
    "Shows routes, one line for each host: all routes, those of a MODID, or one."
    "\v"
    "On a terminal this is a table. Otherwise it is lines without a header, MODID, CMDID, IP and PORT "
    "with a tab between them, for scripts; later versions only append columns. "
    "Exit code 2: there is no such route.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db route list\n"
    "  larshm-dns --db routes.db route list 1 2 | cut -f 3,4";

struct arguments {
    char *words[2];
    unsigned count;
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (arguments->count == 2)
        argp_error(state, "too many arguments");
    arguments->words[arguments->count++] = arg;
    return 0;
}

static const struct argp argp = {NULL, parse_word, "[MODID [CMDID]]", doc, NULL, NULL, NULL};

enum {
    COLUMNS = 4,
    CELL_SIZE = INET_ADDRSTRLEN,
};

struct listing {
    struct libscols_table *table; /* NULL: plain lines */
    uint64_t rows;
};

/* Adds a row of right-aligned numbers to the table. */
static int add_row(struct libscols_table *table, char cells[COLUMNS][CELL_SIZE])
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (!line)
        return -1;
    for (size_t i = 0; i < COLUMNS; i++)
        if (scols_line_set_data(line, i, cells[i]) != 0)
            return -1;
    return 0;
}

static int on_row(void *arg, struct route_key key, struct route_host host)
{
    struct listing *listing = arg;
    struct in_addr address = {.s_addr = htonl(host.ip)};
    char cells[COLUMNS][CELL_SIZE];
    snprintf(cells[0], CELL_SIZE, "%" PRIu32, key.modid);
    snprintf(cells[1], CELL_SIZE, "%" PRIu32, key.cmdid);
    inet_ntop(AF_INET, &address, cells[2], CELL_SIZE);
    snprintf(cells[3], CELL_SIZE, "%u", (unsigned)host.port);
    listing->rows++;
    if (listing->table)
        return add_row(listing->table, cells);
    return printf("%s\t%s\t%s\t%s\n", cells[0], cells[1], cells[2], cells[3]) < 0 ? -1 : 0;
}

static struct libscols_table *new_table(void)
{
    static const char *const names[COLUMNS] = {"MODID", "CMDID", "IP", "PORT"};
    struct libscols_table *table = scols_new_table();
    for (size_t i = 0; table && i < COLUMNS; i++) {
        if (!scols_table_new_column(table, names[i], 0, SCOLS_FL_RIGHT)) {
            scols_unref_table(table);
            table = NULL;
        }
    }
    return table;
}

/* Returns 0, or -1 with the reason logged. */
static int list(struct store *store, const uint32_t *modid, const uint32_t *cmdid, uint64_t *rows)
{
    struct listing listing = {.table = NULL};
    if (isatty(STDOUT_FILENO) && !(listing.table = new_table())) {
        log_line("out of memory");
        return -1;
    }
    int rc = store_list(store, modid, cmdid, on_row, &listing);
    if (rc != 0)
        log_line("%s", store_error(store));
    else if (listing.table && listing.rows && scols_print_table(listing.table) != 0)
        rc = -1;
    scols_unref_table(listing.table);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_line("cannot write the list to stdout");
        rc = -1;
    }
    *rows = listing.rows;
    return rc;
}

int command_route_list(const char *db, int argc, char **argv)
{
    struct arguments arguments = {0};
    uint32_t modid = 0, cmdid = 0;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0 ||
        (arguments.count > 0 && !command_read_id("MODID", arguments.words[0], &modid)) ||
        (arguments.count > 1 && !command_read_id("CMDID", arguments.words[1], &cmdid)))
        return EXIT_FAILURE;
    struct store *store = command_open_store(db, STORE_EXISTING);
    if (!store)
        return EXIT_FAILURE;
    uint64_t rows;
    int exit_code = EXIT_SUCCESS;
    if (list(store, arguments.count > 0 ? &modid : NULL, arguments.count > 1 ? &cmdid : NULL, &rows) != 0) {
        exit_code = EXIT_FAILURE;
    } else if (rows == 0 && arguments.count > 0) {
        log_line("no route %s%s%s: see 'route list'", arguments.words[0], arguments.count > 1 ? " " : "",
                 arguments.count > 1 ? arguments.words[1] : "");
        exit_code = EXIT_NO_ROUTE;
    } else if (rows == 0) {
        log_line("no routes yet: 'route add' and 'route import' add some");
    }
    store_close(store);
    return exit_code;
}
