/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>

#include "conf/log.h"
#include "tools/dns/command.h"
#include "tools/dns/maria_routes.h"
#include "tools/dns/maria_schema.h"

static const char doc[] =
    "Makes the tables of Lars in the database, or what is missing of them."
    "\v"
    "In a MariaDB database: the tables, the row of RouteVersion with id 1, and an index on RouteData (modid, cmdid), "
    "without which edits and single changes take long; rows are left as they are. It needs the rights CREATE, INDEX, "
    "SELECT, INSERT and UPDATE; making the index of a large table keeps edits waiting for some seconds. A database file is "
    "made when it is missing.\n"
    "\n"
    "Example:\n"
    "  larshm-dns --db mysql://lars@db1,db2,db3/lars_dns schema";

static const struct argp argp = {NULL, NULL, NULL, doc, NULL, NULL, NULL};

struct outcome {
    size_t made, missing;
};

static void on_said(void *arg, bool made, const char *what)
{
    struct outcome *outcome = arg;
    outcome->made += made;
    outcome->missing += !made;
    log_line(made ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s %s", made ? "made" : "could not make", what);
}

static int make_in_file(const char *path)
{
    struct store *store = command_open_store(path, STORE_CREATE);
    if (!store)
        return EXIT_FAILURE;
    store_close(store);
    log_line(LOG_LEVEL_INFO, "%s has all tables", path);
    return EXIT_SUCCESS;
}

static int make_in_database(const char *url)
{
    static const struct maria_limits limits = {.connect_seconds = 5, .read_seconds = 600};
    struct maria maria;
    struct outcome outcome = {0};
    int exit_code = EXIT_SUCCESS;
    if (maria_open(&maria, url, &limits) != 0 || maria_schema_make(&maria, on_said, &outcome) != 0 ||
        maria_routes_check(&maria) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", maria.error);
        exit_code = EXIT_FAILURE;
    } else if (outcome.made == 0 && outcome.missing == 0) {
        log_line(LOG_LEVEL_INFO, "database '%s' on %s has all that is needed", maria.url.database,
                 maria.name);
    }
    maria_close(&maria);
    return exit_code;
}

int command_schema(const char *db, int argc, char **argv)
{
    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0 || !command_has_db(db))
        return EXIT_FAILURE;
    return maria_url_is(db) ? make_in_database(db) : make_in_file(db);
}
