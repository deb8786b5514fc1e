/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/log.h"
#include "conf/number.h"
#include "shm/layout.h"
#include "tools/common/listing.h"
#include "tools/dns/command.h"
#include "tools/dns/control_client.h"
#include "tools/dns/directory.h"

enum {
    COLUMNS = 3,
    POLL_MS = 250,
    OPTION_WAIT = 256,
    DIGEST_SIZE = 17,
};

static const char doc[] =
    "Shows whether all that subscribe to a route have the newest answer, and names those that lag. It speaks to a "
    "directory that runs on this machine; with several directories, each knows its own subscribers."
    "\v"
    "A subscriber has an answer when its kernel has acknowledged it. Machines that are not connected now are not "
    "counted: they get it when they connect. A fetcher may hold an answer back, as `larshm list` shows there.\n"
    "\n"
    "With --db the directory's answer is compared with the route in the database as well: a directory on a MariaDB "
    "database reads an edit some moments after it is made.\n"
    "Exit codes: 0 all have it, 1 wrong usage or failure, 2 there is no such route, 3 a subscriber lags, or the "
    "directory does, 4 no directory is reached.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns route status 1 2\n"
    "  larshm-dns --db routes.db route set 1 2 10.0.0.1:8080 &&\n"
    "    larshm-dns --db routes.db route status 1 2 --wait 30";

static const struct argp_option options[] = {
    {"wait", OPTION_WAIT, "SECONDS", 0, "wait for so long at most until all have it", 0},
    {0},
};

struct arguments {
    struct control_options control;
    uint32_t wait_s;
    unsigned words;
    struct route_key key;
    struct store *store; /* NULL: no database was named */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->control;
        return 0;
    case OPTION_WAIT:
        if (!number_parse(arg, 0, UINT32_MAX, &arguments->wait_s))
            argp_error(state, "--wait '%s' is not a decimal number from 0 to 4294967295", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->words == 2)
            argp_error(state, "too many arguments: MODID and CMDID are all");
        if (!command_read_id(arguments->words == 0 ? "MODID" : "CMDID", arg,
                             arguments->words == 0 ? &arguments->key.modid : &arguments->key.cmdid))
            exit(EXIT_FAILURE);
        arguments->words++;
        return 0;
    case ARGP_KEY_END:
        if (arguments->words != 2)
            argp_error(state, "MODID and CMDID are missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&control_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {options, parse_option, "MODID CMDID", doc, children, NULL, NULL};

struct status {
    struct control_answer answer;
    bool behind; /* the directory has other hosts than the database */
};

/* As the directory's answer has it, of what the database has. Returns 0, or -1, which is logged. */
static int read_digest(const struct arguments *arguments, char digest[static DIGEST_SIZE])
{
    static struct host_addr hosts[HOSTS_MAX + 1];
    size_t count;
    if (store_read(arguments->store, arguments->key, hosts, HOSTS_MAX + 1, &count) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", store_error(arguments->store));
        return -1;
    }
    snprintf(digest, DIGEST_SIZE, "%016" PRIx64, directory_digest(hosts, count));
    return 0;
}

/* The database first: what it has then, the directory has or will have. Returns an exit code; EXIT_LAGS comes with a
 * status. */
static int look(const struct arguments *arguments, struct status *status)
{
    char digest[DIGEST_SIZE] = "";
    if (arguments->store && read_digest(arguments, digest) != 0)
        return EXIT_FAILURE;
    int exit_code =
        control_ask(&arguments->control,
                    json_pack("{s:i, s:s, s:I, s:I}", "version", 1, "command", "route_status", "modid",
                              (json_int_t)arguments->key.modid, "cmdid", (json_int_t)arguments->key.cmdid),
                    &status->answer);
    if (exit_code != EXIT_SUCCESS)
        return exit_code;
    const struct control_answer *answer = &status->answer;
    status->behind = digest[0] && strcmp(digest, control_string(answer->head, "digest")) != 0;
    if (status->behind || json_array_size(answer->lines) > 0)
        return EXIT_LAGS;
    return control_number(answer->head, "hosts") == 0 && control_number(answer->end, "subscribers") == 0
               ? EXIT_NO_ROUTE
               : EXIT_SUCCESS;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int wait_for_all(const struct arguments *arguments, struct status *status)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    const uint64_t deadline = now_ms() + arguments->wait_s * UINT64_C(1000);
    int exit_code;
    while ((exit_code = look(arguments, status)) == EXIT_LAGS && now_ms() < deadline) {
        control_answer_free(&status->answer);
        nanosleep(&pause, NULL);
    }
    return exit_code;
}

static const char *explain(const char *waits_for)
{
    static const char *const texts[][2] = {
        {"acknowledgement", "sent, not acknowledged"},
        {"earlier", "what came before is not acknowledged"},
        {"directory", "not sent yet"},
        {"length", "takes no message of this length"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(waits_for, texts[i][0]) == 0)
            return texts[i][1];
    return waits_for;
}

static int print_lagging(const json_t *lagging)
{
    static const struct grid_column columns[COLUMNS] = {
        {"ADDRESS", GRID_LEFT}, {"UNACKNOWLEDGED", GRID_RIGHT}, {"WHY", GRID_LEFT}};
    static const struct listing_texts texts = {.empty = ""};
    const struct selection all = {.count = 0};
    struct listing *listing = listing_new(columns, COLUMNS);
    size_t i;
    const json_t *peer;
    if (!listing)
        return EXIT_FAILURE;
    json_array_foreach(lagging, i, peer) {
        char bytes[24];
        snprintf(bytes, sizeof(bytes), "%" PRIu64, control_number(peer, "unacknowledged_bytes"));
        listing_add_texts(listing, (const char *[]){control_string(peer, "address"), bytes,
                                                    explain(control_string(peer, "waits_for"))});
        listing_tint(listing, COLUMNS - 1, TINT_WARNING);
    }
    int exit_code = listing_end(listing, &all, &texts);
    listing_free(listing);
    return exit_code;
}

static int print_text(const struct arguments *arguments, const struct status *status)
{
    const struct control_answer *answer = &status->answer;
    uint64_t hosts = control_number(answer->head, "hosts"),
             subscribers = control_number(answer->end, "subscribers");
    if (status->behind)
        log_line(LOG_LEVEL_WARNING, "the directory %s has not read the newest hosts from the database yet",
                 control_string(answer->head, "directory"));
    log_line(LOG_LEVEL_INFO,
             "route %" PRIu32 " %" PRIu32 ", %" PRIu64 " host%s: the newest answer has arrived at %" PRIu64
             " of %" PRIu64 " subscriber%s of %s",
             arguments->key.modid, arguments->key.cmdid, hosts, number_plural(hosts),
             control_number(answer->end, "have_it"), subscribers, number_plural(subscribers),
             control_string(answer->head, "directory"));
    return json_array_size(answer->lines) > 0 ? print_lagging(answer->lines) : EXIT_SUCCESS;
}

static int print_json(const struct arguments *arguments, const struct status *status)
{
    const struct control_answer *answer = &status->answer;
    json_t *database = arguments->store ? json_boolean(!status->behind) : json_null();
    return control_print(json_pack(
        "{s:i, s:O, s:I, s:I, s:O, s:O, s:o, s:O, s:O, s:O}", "version", CONTROL_JSON_VERSION, "directory",
        json_object_get(answer->head, "directory"), "modid", (json_int_t)arguments->key.modid, "cmdid",
        (json_int_t)arguments->key.cmdid, "hosts", json_object_get(answer->head, "hosts"), "data_version",
        json_object_get(answer->head, "data_version"), "as_database", database, "subscribers",
        json_object_get(answer->end, "subscribers"), "have_it", json_object_get(answer->end, "have_it"),
        "lagging", answer->lines));
}

static int show(const struct arguments *arguments)
{
    struct status status = {.behind = false};
    int exit_code = wait_for_all(arguments, &status);
    if (exit_code == EXIT_NO_ROUTE)
        log_line(LOG_LEVEL_ERROR, "no route %" PRIu32 " %" PRIu32 ", and no subscriber: see 'route list'",
                 arguments->key.modid, arguments->key.cmdid);
    if (exit_code == EXIT_SUCCESS || exit_code == EXIT_LAGS) {
        int printed =
            arguments->control.json ? print_json(arguments, &status) : print_text(arguments, &status);
        if (printed != EXIT_SUCCESS)
            exit_code = printed;
    }
    control_answer_free(&status.answer);
    return exit_code;
}

int command_route_status(const char *db, int argc, char **argv)
{
    struct arguments arguments = {.words = 0};
    control_options_init(&arguments.control);
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    if (db && !(arguments.store = command_open_store(db, STORE_EXISTING)))
        return EXIT_FAILURE;
    int exit_code = show(&arguments);
    store_close(arguments.store);
    return exit_code;
}
