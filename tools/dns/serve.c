/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "conf/address.h"
#include "conf/number.h"
#include "tools/common/parse.h"
#include "tools/common/server_options.h"
#include "tools/common/service.h"
#include "tools/dns/command.h"
#include "tools/dns/directory.h"

static const char doc[] =
    "Serves the routes of the database to Lars agents and to larshm-fetcher."
    "\v"
    "Prints 'listening on IP:PORT' when it accepts connections; SIGTERM and SIGINT end it. "
    "A request is answered from the database and subscribes its connection to the route; "
    "a change that any process makes in the database is pushed within about 100 ms. "
    "A database file that takes its place is followed within a second; without any, it serves on what it had. "
    "The protocol has no authentication: listen where only your own hosts can connect.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db serve --create\n"
    "  larshm-dns --db routes.db serve --listen 10.0.0.5:7778\n"
    "  larshm-dns --db routes.db serve --listen 127.0.0.1:0    the kernel chooses a port";

enum {
    OPTION_CREATE = 256, /* no letter: it is for once */
    OPTION_LONG_FRAMES,
};

static const struct argp_option options[] = {
    {"create", OPTION_CREATE, NULL, 0, "make the database when it is missing", 0},
    {"listen", 'l', "IP:PORT", 0, "where to accept connections (default 127.0.0.1:7778)", 0},
    {"long-frames", OPTION_LONG_FRAMES, NULL, 0,
     "send messages of more than 65527 bytes to every peer, as the directory of Lars does; fetchers before 0.2 close "
     "their connection for one",
     0},
    {"max-subscriptions", 'm', "NUMBER", 0,
     "close a connection that subscribes to more routes than this (default 2000000)", 0},
    {0},
};

struct arguments {
    enum store_mode mode;
    struct sockaddr_in listen;
    struct server_limits limits;
    uint32_t max_subscriptions;
    bool long_frames;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->limits;
        return 0;
    case OPTION_CREATE:
        arguments->mode = STORE_CREATE;
        return 0;
    case OPTION_LONG_FRAMES:
        arguments->long_frames = true;
        return 0;
    case 'l':
        if (!address_parse(arg, &arguments->listen))
            argp_error(state, "--listen '%s' is not " PARSE_ADDRESS_ALLOWED, arg);
        return 0;
    case 'm':
        if (!number_parse(arg, 1, UINT32_MAX, &arguments->max_subscriptions))
            argp_error(state, "--max-subscriptions '%s' is not a decimal number from 1 to 4294967295", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&server_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {options, parse_option, NULL, doc, children, NULL, NULL};

/* What is served. */
struct content {
    struct store *store;
    size_t max_subscriptions;
    bool long_frames;
    struct directory *directory;
};

static int start(void *arg, uv_loop_t *loop, struct server_handler *handler)
{
    struct content *content = arg;
    int rc = directory_start(&content->directory, loop, content->store, content->max_subscriptions,
                             content->long_frames);
    if (rc == 0)
        *handler = directory_handler(content->directory);
    return rc;
}

static void stop(void *arg)
{
    struct content *content = arg;
    directory_stop(content->directory);
}

static int serve(const char *db, const struct arguments *arguments)
{
    struct content content = {.store = command_open_store(db, arguments->mode),
                              .max_subscriptions = arguments->max_subscriptions,
                              .long_frames = arguments->long_frames};
    if (!content.store)
        return EXIT_FAILURE;
    const struct service service = {
        .limits = &arguments->limits, .name = "a directory", .start = start, .stop = stop, .arg = &content};
    int exit_code = service_run(&service, &arguments->listen);
    if (exit_code == EXIT_SUCCESS)
        directory_log_totals(content.directory);
    directory_free(content.directory);
    store_close(content.store);
    return exit_code;
}

int command_serve(const char *db, int argc, char **argv)
{
    struct arguments arguments = {
        .mode = STORE_EXISTING, .limits = SERVER_LIMITS_DEFAULT, .max_subscriptions = 2000000};
    address_parse("127.0.0.1:7778", &arguments.listen);
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    int exit_code = serve(db, &arguments);
    server_limits_free(&arguments.limits);
    return exit_code;
}
