/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>

#include "conf/log.h"
#include "conf/name.h"
#include "conf/number.h"
#include "tools/common/maria_url.h"
#include "tools/common/server_options.h"
#include "tools/common/service.h"
#include "tools/dns/command.h"
#include "tools/dns/control.h"
#include "tools/dns/directory.h"

static const char doc[] =
    "Serves the routes of the database to Lars agents and to larshm-fetcher."
    "\v"
    "Prints 'listening on IP:PORT' when it accepts connections; SIGTERM and SIGINT end it. "
    "A request is answered from the database and subscribes its connection to the route; "
    "a change that any process makes in the database is pushed within some milliseconds. "
    "A database file that takes its place is followed within a second; without any, it serves on what it had. "
    "Of a MariaDB database all is in memory, and read again by a thread: it may be away for days. "
    "The protocol has no authentication: listen where only your own hosts can connect.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db serve --create\n"
    "  larshm-dns --db routes.db serve --listen 10.0.0.5:7778\n"
    "  larshm-dns --db mysql://lars@db1,db2/lars_dns serve --listen 10.0.0.5:7778\n"
    "  larshm-dns --db routes.db serve --listen 127.0.0.1:0   any free port";

enum {
    OPTION_LONG_FRAMES = 256,
    OPTION_SOCKET,
};

static const struct argp_option options[] = {
    {"long-frames", OPTION_LONG_FRAMES, NULL, 0,
     "send messages of more than 65527 bytes to every peer, as the directory of Lars does; fetchers before 0.2 close "
     "their connection for one",
     0},
    {"max-subscriptions", 'm', "NUMBER", 0,
     "close a connection that subscribes to more routes than this (default 2000000)", 0},
    {"socket", OPTION_SOCKET, "PATH", 0,
     "where 'peers' and 'route status' reach it (default /run/larshm/dns.PORT/admin.sock, or below $XDG_RUNTIME_DIR)",
     0},
    {0},
};

struct arguments {
    struct server_options server;
    uint32_t max_subscriptions;
    bool long_frames;
    const char *socket; /* "": at the default place */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->server;
        return 0;
    case OPTION_SOCKET:
        if (!*arg || !name_is_socket(arg))
            argp_error(state, "--socket '%s' is not " NAME_SOCKET_ALLOWED, arg);
        arguments->socket = arg;
        return 0;
    case OPTION_LONG_FRAMES:
        arguments->long_frames = true;
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
    const char *socket;
    struct directory *directory;
    struct control *control;
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

static void listening(void *arg, uv_loop_t *loop, const struct sockaddr_in *bound)
{
    struct content *content = arg;
    content->control = control_start(loop, content->directory, bound, content->socket);
    if (!content->control)
        log_line(LOG_LEVEL_WARNING, "no admin socket: out of memory");
}

static void stop(void *arg)
{
    struct content *content = arg;
    control_stop(content->control);
    directory_stop(content->directory);
}

static int serve(const char *db, const struct arguments *arguments)
{
    if (arguments->server.mode == STORE_CREATE && db && maria_url_is(db))
        log_line(LOG_LEVEL_WARNING,
                 "--create makes files: 'larshm-dns schema' makes the tables of a MariaDB database");
    struct content content = {.store = command_open_store(db, arguments->server.mode),
                              .max_subscriptions = arguments->max_subscriptions,
                              .long_frames = arguments->long_frames,
                              .socket = arguments->socket};
    if (!content.store)
        return EXIT_FAILURE;
    if (store_load(content.store) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", store_error(content.store));
        store_close(content.store);
        return EXIT_FAILURE;
    }
    const char *slow = store_slow(content.store);
    if (slow)
        log_line(LOG_LEVEL_WARNING, "%s", slow);
    const struct service service = {.limits = &arguments->server.limits,
                                    .name = "a directory",
                                    .start = start,
                                    .listening = listening,
                                    .stop = stop,
                                    .arg = &content};
    int exit_code = service_run(&service, &arguments->server.listen);
    if (exit_code == EXIT_SUCCESS)
        directory_log_totals(content.directory);
    directory_free(content.directory);
    store_close(content.store);
    return exit_code;
}

int command_serve(const char *db, int argc, char **argv)
{
    struct arguments arguments = {.max_subscriptions = 2000000, .socket = ""};
    server_options_init(&arguments.server, "127.0.0.1:7778");
    argp_err_exit_status = EX_CONFIG;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EX_CONFIG;
    log_daemon();
    if (!command_db_is_right(db))
        return EX_CONFIG;
    int exit_code = serve(db, &arguments);
    server_options_free(&arguments.server);
    return exit_code;
}
