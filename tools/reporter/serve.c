/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>

#include "conf/address.h"
#include "tools/common/parse.h"
#include "tools/common/server_options.h"
#include "tools/common/service.h"
#include "tools/reporter/command.h"
#include "tools/reporter/reporter.h"

static const char doc[] =
    "Takes call results from Lars agents and from larshm-fetcher, and stores them."
    "\v"
    "Prints 'listening on IP:PORT' when it accepts connections; SIGTERM and SIGINT end it, after what came "
    "in is written. Of each route, host and caller the newest result is stored, within about 100 ms; while "
    "the database cannot be written, or is not there, results are kept in memory and the write is tried again. "
    "The protocol has no authentication: listen where only your own hosts can connect.\n"
    "\n"
    "Examples:\n"
    "  larshm-reporter --db routes.db serve --create\n"
    "  larshm-reporter --db routes.db serve --listen 10.0.0.5:7779\n"
    "  larshm-reporter --db routes.db serve --listen 127.0.0.1:0    the kernel chooses a port";

enum {
    OPTION_CREATE = 256, /* no letter: it is for once */
};

static const struct argp_option options[] = {
    {"create", OPTION_CREATE, NULL, 0, "make the database when it is missing", 0},
    {"listen", 'l', "IP:PORT", 0, "where to accept connections (default 127.0.0.1:7779)", 0},
    {0},
};

struct arguments {
    enum store_mode mode;
    struct sockaddr_in listen;
    struct server_limits limits;
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
    case 'l':
        if (!address_parse(arg, &arguments->listen))
            argp_error(state, "--listen '%s' is not " PARSE_ADDRESS_ALLOWED, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&server_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {options, parse_option, NULL, doc, children, NULL, NULL};

/* What is served. */
struct content {
    struct status_store *store;
    struct reporter *reporter;
};

static int start(void *arg, uv_loop_t *loop, struct server_handler *handler)
{
    struct content *content = arg;
    int rc = reporter_start(&content->reporter, loop, content->store);
    if (rc == 0)
        *handler = reporter_handler(content->reporter);
    return rc;
}

static void stop(void *arg)
{
    struct content *content = arg;
    reporter_stop(content->reporter);
}

static int serve(const char *db, const struct arguments *arguments)
{
    struct content content = {.store = command_open_store(db, arguments->mode)};
    if (!content.store)
        return EXIT_FAILURE;
    const struct service service = {.limits = &arguments->limits,
                                    .name = "a report service",
                                    .start = start,
                                    .stop = stop,
                                    .arg = &content};
    int exit_code = service_run(&service, &arguments->listen);
    if (exit_code == EXIT_SUCCESS && reporter_finish(content.reporter) != 0)
        exit_code = EXIT_FAILURE;
    reporter_free(content.reporter);
    status_store_close(content.store);
    return exit_code;
}

int command_serve(const char *db, int argc, char **argv)
{
    struct arguments arguments = {.mode = STORE_EXISTING, .limits = SERVER_LIMITS_DEFAULT};
    address_parse("127.0.0.1:7779", &arguments.listen);
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    int exit_code = serve(db, &arguments);
    server_limits_free(&arguments.limits);
    return exit_code;
}
