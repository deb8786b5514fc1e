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
    "FILE.csv holds lines of modid,cmdid,ip,port; '-' is standard input. The first line may be that header; "
    "empty lines are skipped; hosts that are there already are left as they are.\n"
    "\n"
    "Example:\n"
    "  printf '1,2,10.0.0.1,8080\\n1,2,10.0.0.2,8080\\n' | larshm-dns --db routes.db route import -";

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    const char **file = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*file)
            argp_error(state, "one file at a time");
        *file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a file is missing; '-' is standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse_word, "FILE.csv", doc, NULL, NULL, NULL};

static void show_progress(uint64_t lines)
{
    fprintf(stderr, "\r%" PRIu64 " lines", lines);
}

/* Returns the program's exit code. */
static int import_and_say(const struct import_source *source, struct store *store)
{
    struct import_outcome outcome;
    char error[IMPORT_ERROR_SIZE];
    int result = import_csv(source, store, &outcome, error);
    if (source->progress)
        fputs("\r\033[K", stderr); /* leave the line to what is printed next */
    if (result != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error);
        return EXIT_FAILURE;
    }
    log_line(LOG_LEVEL_INFO,
             "%" PRIu64 " route%s and %" PRIu64 " host%s added, %" PRIu64
             " route%s changed, version %" PRIu64,
             outcome.added.routes, number_plural(outcome.added.routes), outcome.added.hosts,
             number_plural(outcome.added.hosts), outcome.edit.keys, number_plural(outcome.edit.keys),
             outcome.edit.version);
    return EXIT_SUCCESS;
}

int command_route_import(const char *db, int argc, char **argv)
{
    const char *file = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &file) != 0)
        return EXIT_FAILURE;
    bool standard = strcmp(file, "-") == 0;
    FILE *lines = standard ? stdin : fopen(file, "re");
    if (!lines) {
        log_line(LOG_LEVEL_ERROR, "cannot open %s: %s", file, strerror(errno));
        return EXIT_FAILURE;
    }
    const struct import_source source = {.file = lines,
                                         .name = standard ? "standard input" : file,
                                         .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
    struct store *store = command_open_store(db, STORE_CREATE);
    int exit_code = store ? import_and_say(&source, store) : EXIT_FAILURE;
    store_close(store);
    if (!standard)
        fclose(lines);
    return exit_code;
}
