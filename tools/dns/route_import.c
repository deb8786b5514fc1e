/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/dns/command.h"
#include "tools/dns/log.h"
#include "tools/dns/parse.h"

static const char doc[] =
    "Adds the hosts of a CSV file to what is in the database: all of them, or none when a line is wrong."
    "\v"
    "FILE.csv holds lines of modid,cmdid,ip,port; '-' is standard input. The first line may be that header;"
    " empty lines are skipped; hosts that are there already are left as they are.\n"
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

enum {
    LINE_SIZE = 128, /* the longest right line has 44 characters */
    FIELDS = 4,
    PROGRESS_LINES = 1 << 16,
};

static const char header[] = "modid,cmdid,ip,port";

struct import {
    const char *name; /* of the file, for messages */
    FILE *file;
    uint64_t line;
    bool progress; /* shown on a terminal only */
    bool started;  /* past the place where the header may be */
};

/* Leaves the line of stderr that shows the progress to whatever is printed next. */
static void end_progress(const struct import *import)
{
    if (import->progress)
        fputs("\r\033[K", stderr);
}

static int wrong(const struct import *import, const char *format, const char *text)
{
    char reason[256];
    snprintf(reason, sizeof(reason), format, text);
    end_progress(import);
    log_line("%s:%" PRIu64 ": %s; nothing was imported", import->name, import->line, reason);
    return -1;
}

static int store_failed(const struct import *import, const struct store *store)
{
    end_progress(import);
    log_line("%s; nothing was imported", store_error(store));
    return -1;
}

/* Takes the end of the line off. Returns -1 for a line that is longer than any right one, or has a NUL in it. */
static int trim(char *line, bool last)
{
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n')
        line[--length] = '\0';
    else if (!last)
        return -1;
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    return 0;
}

static int read_fields(const struct import *import, char *line, struct route_key *key,
                       struct route_host *host)
{
    char *fields[FIELDS], *rest = line;
    size_t count = 0;
    while (rest && count < FIELDS)
        fields[count++] = strsep(&rest, ",");
    if (count < FIELDS || rest)
        return wrong(import, "a line has four fields, %s", header);
    if (!parse_id(fields[0], &key->modid))
        return wrong(import, "modid '%s' is not " PARSE_ID_ALLOWED, fields[0]);
    if (!parse_id(fields[1], &key->cmdid))
        return wrong(import, "cmdid '%s' is not " PARSE_ID_ALLOWED, fields[1]);
    if (!parse_ip(fields[2], &host->ip))
        return wrong(import, "ip '%s' is not " PARSE_IP_ALLOWED, fields[2]);
    if (!parse_port(fields[3], &host->port))
        return wrong(import, "port '%s' is not " PARSE_PORT_ALLOWED, fields[3]);
    return 0;
}

static int import_line(struct import *import, struct store *store, char *line)
{
    struct route_key key;
    struct route_host host;
    if (trim(line, feof(import->file)) != 0)
        return wrong(import, "the line is too long, or not text; a line is %s", header);
    if (!*line)
        return 0;
    bool first = !import->started;
    import->started = true;
    if (first && strcasecmp(line, header) == 0)
        return 0;
    if (read_fields(import, line, &key, &host) != 0)
        return -1;
    if (store_add(store, key, host) < 0)
        return store_failed(import, store);
    return 0;
}

static int import_lines(struct import *import, struct store *store)
{
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), import->file)) {
        import->line++;
        if (import_line(import, store, line) != 0)
            return -1;
        if (import->progress && import->line % PROGRESS_LINES == 0)
            fprintf(stderr, "\r%" PRIu64 " lines", import->line);
    }
    if (ferror(import->file))
        return wrong(import, "cannot read on: %s", strerror(errno));
    return 0;
}

struct outcome {
    struct store_size before, after;
    struct store_edit edit;
};

/* The whole import as one edit. Returns 0, or -1 with the reason logged. */
static int import_all(struct import *import, struct store *store, struct outcome *outcome)
{
    if (store_begin(store) != 0)
        return store_failed(import, store);
    if (store_measure(store, &outcome->before) != 0) {
        store_failed(import, store);
    } else if (import_lines(import, store) == 0) {
        if (store_measure(store, &outcome->after) == 0 && store_commit(store, &outcome->edit) == 0)
            return 0;
        store_failed(import, store);
    }
    store_rollback(store);
    return -1;
}

static void report(const struct import *import, const struct outcome *outcome)
{
    end_progress(import);
    log_line("%" PRIu64 " routes and %" PRIu64 " hosts added, %" PRIu64 " routes changed, version %" PRIu64,
             outcome->after.routes - outcome->before.routes, outcome->after.hosts - outcome->before.hosts,
             outcome->edit.keys, outcome->edit.version);
}

int command_route_import(const char *db, int argc, char **argv)
{
    const char *file = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &file) != 0)
        return EXIT_FAILURE;
    bool standard = strcmp(file, "-") == 0;
    FILE *lines = standard ? stdin : fopen(file, "re");
    if (!lines) {
        log_line("cannot open %s: %s", file, strerror(errno));
        return EXIT_FAILURE;
    }
    struct import import = {
        .name = standard ? "standard input" : file, .file = lines, .progress = isatty(STDERR_FILENO)};
    struct store *store = command_open_store(db, STORE_CREATE);
    struct outcome outcome;
    int exit_code = EXIT_FAILURE;
    if (store && import_all(&import, store, &outcome) == 0) {
        report(&import, &outcome);
        exit_code = EXIT_SUCCESS;
    }
    store_close(store);
    if (!standard)
        fclose(lines);
    return exit_code;
}
