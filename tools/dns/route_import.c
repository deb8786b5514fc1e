/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/dns/command.h"
#include "tools/dns/import.h"

static const char doc[] =
    "Adds the hosts of a CSV file to what is in the database: all of them, or none when a line is wrong."
    "\v"
    "FILE.csv holds lines of modid,cmdid,ip,port, or of Lars' table RouteData: id,modid,cmdid,serverip,serverport; "
    "'-' is standard input. A header may name the columns, in any order. An address may be its number: 10.0.0.1 is "
    "167772161. Tabs may stand for commas, and fields in double quotes. "
    "Empty lines are skipped; hosts that are there already are left as they are.\n"
    "\n"
    "Examples:\n"
    "  echo 1,2,10.0.0.1,8080 | larshm-dns --db routes.db route import -\n"
    "  larshm-dns --db old.db route list --csv >routes.csv\n"
    "  larshm-dns --db new.db route import --replace routes.csv";

enum {
    OPTION_REPLACE = 256,
    OPTION_ONE_TRANSACTION,
};

static const struct argp_option options[] = {
    {"replace", OPTION_REPLACE, NULL, 0,
     "each route in the file has then just the hosts that the file gives it; other routes stay as they are",
     0},
    {"one-transaction", OPTION_ONE_TRANSACTION, NULL, 0, COMMAND_ONE_TRANSACTION, 0},
    {0},
};

struct arguments {
    const char *file;
    bool replace, one_transaction;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_REPLACE:
        arguments->replace = true;
        return 0;
    case OPTION_ONE_TRANSACTION:
        arguments->one_transaction = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->file)
            argp_error(state, "one file at a time");
        arguments->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a file is missing; '-' is standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse_option, "FILE.csv", doc, NULL, NULL, NULL};

static void show_progress(uint64_t lines)
{
    fprintf(stderr, "\r%" PRIu64 " lines", lines);
}

/* Returns the program's exit code. */
static int import_and_say(const struct import_source *source, struct store *store)
{
    struct store_edit done;
    char error[IMPORT_ERROR_SIZE];
    int result = import_csv(source, store, &done, error);
    if (source->progress)
        command_hide_written();
    if (result < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error);
        return EXIT_FAILURE;
    }
    if (result > 0) {
        log_line(LOG_LEVEL_WARNING, "%s has no lines with hosts: nothing was imported", source->name);
        return EXIT_SUCCESS;
    }
    if (done.keys > 0)
        command_warn_unlogged(store);
    char deleted[48] = "";
    if (source->replace)
        snprintf(deleted, sizeof(deleted), "%" PRIu64 " host%s deleted, ", done.deleted,
                 number_plural(done.deleted));
    log_line(LOG_LEVEL_INFO,
             "%" PRIu64 " route%s and %" PRIu64 " host%s added, %s%" PRIu64
             " route%s changed, version %" PRIu64,
             done.new_routes, number_plural(done.new_routes), done.added, number_plural(done.added), deleted,
             done.keys, number_plural(done.keys), done.version);
    return EXIT_SUCCESS;
}

int command_route_import(const char *db, int argc, char **argv)
{
    struct arguments arguments = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    const char *file = arguments.file;
    bool standard = strcmp(file, "-") == 0;
    FILE *lines = standard ? stdin : fopen(file, "re");
    if (!lines) {
        log_line(LOG_LEVEL_ERROR, "cannot open %s: %s", file, strerror(errno));
        return EXIT_FAILURE;
    }
    bool terminal = isatty(STDERR_FILENO);
    const struct import_source source = {.file = lines,
                                         .name = standard ? "standard input" : file,
                                         .replace = arguments.replace,
                                         .progress = terminal ? show_progress : NULL,
                                         .how = {.one_transaction = arguments.one_transaction,
                                                 .progress = terminal ? command_show_written : NULL}};
    struct store *store = command_open_store(db, STORE_CREATE);
    int exit_code = store ? import_and_say(&source, store) : EXIT_FAILURE;
    store_close(store);
    if (!standard)
        fclose(lines);
    return exit_code;
}
