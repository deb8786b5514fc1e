/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/log.h"
#include "tools/common/listing.h"
#include "tools/dns/command.h"
#include "tools/dns/control_client.h"

enum {
    COLUMNS = 6,
};

static const char doc[] =
    "Shows who is connected to a directory that runs on this machine, newest first, and what each has. With several "
    "directories, each knows its own."
    "\v"
    "ROUTES: those that it has subscribed to. VERSION: its kernel has acknowledged all of this version of the data. "
    "UNACKNOWLEDGED: bytes that were sent to it, and that its kernel has not acknowledged. DUE: answers that "
    "are still to be sent to it.\n"
    "\n"
    "On a terminal this is a table. Otherwise it is lines without a header, ADDRESS, SINCE (Unix seconds), ROUTES, "
    "VERSION, UNACKNOWLEDGED and DUE with a tab between them; later versions only append columns.\n"
    "Exit codes: 0 done, 1 wrong usage or failure, 4 no directory is reached.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns peers\n"
    "  larshm-dns peers --port 7780 -j";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->input;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much: peers takes no words", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&control_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {NULL, parse_option, NULL, doc, children, NULL, NULL};

static void add(struct listing *listing, const json_t *peer)
{
    const json_t *version = json_object_get(peer, "data_version");
    listing_cell cells[COLUMNS];
    snprintf(cells[0], sizeof(*cells), "%s", control_string(peer, "address"));
    listing_write_time(listing, (int64_t)(control_number(peer, "since_unix_ms") / 1000), cells[1]);
    snprintf(cells[2], sizeof(*cells), "%" PRIu64, control_number(peer, "routes"));
    if (json_is_integer(version))
        snprintf(cells[3], sizeof(*cells), "%" JSON_INTEGER_FORMAT, json_integer_value(version));
    else
        snprintf(cells[3], sizeof(*cells), "-");
    snprintf(cells[4], sizeof(*cells), "%" PRIu64, control_number(peer, "unacknowledged_bytes"));
    snprintf(cells[5], sizeof(*cells), "%" PRIu64, control_number(peer, "answers_due"));
    listing_add(listing, cells);
}

static int print_text(const json_t *peers)
{
    static const struct grid_column columns[COLUMNS] = {
        {"ADDRESS", GRID_LEFT},  {"SINCE", GRID_LEFT},           {"ROUTES", GRID_RIGHT},
        {"VERSION", GRID_RIGHT}, {"UNACKNOWLEDGED", GRID_RIGHT}, {"DUE", GRID_RIGHT}};
    static const struct listing_texts texts = {.empty = "no peer is connected to the directory"};
    const struct selection all = {.count = 0};
    struct listing *listing = listing_new(columns, COLUMNS);
    size_t i;
    const json_t *peer;
    if (!listing)
        return EXIT_FAILURE;
    json_array_foreach(peers, i, peer)
        add(listing, peer);
    int exit_code = listing_end(listing, &all, &texts);
    listing_free(listing);
    return exit_code;
}

int command_peers(const char *db, int argc, char **argv)
{
    struct control_options options;
    struct control_answer answer;
    (void)db;
    control_options_init(&options);
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EXIT_FAILURE;
    int exit_code = control_ask(&options, json_pack("{s:i, s:s}", "version", 1, "command", "peers"), &answer);
    if (exit_code != EXIT_SUCCESS)
        return exit_code;
    if (options.json)
        exit_code =
            control_print(json_pack("{s:i, s:O, s:O, s:O}", "version", CONTROL_JSON_VERSION, "directory",
                                    json_object_get(answer.head, "directory"), "data_version",
                                    json_object_get(answer.head, "data_version"), "peers", answer.lines));
    else
        exit_code = print_text(answer.lines);
    control_answer_free(&answer);
    return exit_code;
}
