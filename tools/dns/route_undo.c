/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/dns/command.h"

static const char doc[] =
    "Sets every route that an edit changed to what it was before: EDIT is its number in 'route log'."
    "\v"
    "A route that has changed since is refused, and nothing is undone. An undo is an edit: it can be undone. "
    "Exit code 2: there is no such edit.\n"
    "\n"
    "Example:\n"
    "  larshm-dns --db routes.db route undo 7";

enum {
    OPTION_FORCE = 256,
    OPTION_ONE_TRANSACTION,
};

static const struct argp_option options[] = {
    {"force", OPTION_FORCE, NULL, 0, "even where a route has changed since", 0},
    {"one-transaction", OPTION_ONE_TRANSACTION, NULL, 0, COMMAND_ONE_TRANSACTION, 0},
    {0},
};

struct arguments {
    const char *edit;
    bool force;
    struct store_large how;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_FORCE:
        arguments->force = true;
        return 0;
    case OPTION_ONE_TRANSACTION:
        arguments->how.one_transaction = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->edit)
            argp_error(state, "one edit at a time");
        arguments->edit = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "the number of an edit is missing: see 'route log'");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse_option, "EDIT", doc, NULL, NULL, NULL};

struct undo {
    uint32_t edit;
    bool force;
    int routes; /* that the edit had */
};

static int make(struct store *store, void *arg)
{
    struct undo *undo = arg;
    undo->routes = store_undo(store, undo->edit, undo->force);
    return undo->routes < 0 ? -1 : 0;
}

/* Returns the program's exit code. */
static int undo_and_say(struct store *store, uint32_t edit, const struct arguments *arguments)
{
    struct store_edit done;
    struct undo undo = {.edit = edit, .force = arguments->force};
    int rc = command_make_large(store, make, &undo, &arguments->how, &done);
    if (arguments->how.progress)
        command_hide_written();
    if (rc != 0)
        return EXIT_FAILURE;
    if (undo.routes == 0) {
        log_line(LOG_LEVEL_ERROR, "no edit %" PRIu32 ": see 'route log'", edit);
        return EXIT_NO_ROUTE;
    }
    if (done.keys == 0)
        log_line(LOG_LEVEL_INFO, "nothing changed: the routes are as they were before edit %" PRIu32, edit);
    else
        log_line(LOG_LEVEL_INFO,
                 "edit %" PRIu32 " undone by edit %" PRId64 ": %" PRIu64 " route%s changed, version %" PRIu64,
                 edit, done.number, done.keys, number_plural(done.keys), done.version);
    return EXIT_SUCCESS;
}

int command_route_undo(const char *db, int argc, char **argv)
{
    struct arguments arguments = {.how.progress = isatty(STDERR_FILENO) ? command_show_written : NULL};
    uint32_t edit;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0 ||
        !command_read_id("EDIT", arguments.edit, &edit))
        return EXIT_FAILURE;
    struct store *store = command_open_store(db, STORE_EXISTING);
    int exit_code = store ? undo_and_say(store, edit, &arguments) : EXIT_FAILURE;
    store_close(store);
    return exit_code;
}
