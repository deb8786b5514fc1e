/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>
#include <sysexits.h>

#include "conf/log.h"
#include "tools/common/maria_url.h"
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
    "A MariaDB database needs the tables of Lars, which 'larshm-dns schema' makes. "
    "The protocol has no authentication: listen where only your own hosts can connect.\n"
    "\n"
    "Examples:\n"
    "  larshm-reporter --db routes.db serve --create\n"
    "  larshm-reporter --db routes.db serve --listen 10.0.0.5:7779\n"
    "  larshm-reporter --db routes.db serve --listen 127.0.0.1:0   any free port\n"
    "  larshm-reporter --db mysql://lars@db1/lars_dns serve --listen 10.0.0.5:7779";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static const struct argp_child children[] = {{&server_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {NULL, parse_option, NULL, doc, children, NULL, NULL};

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

static int serve(const char *db, const struct server_options *options)
{
    if (options->mode == STORE_CREATE && db && maria_url_is(db))
        log_line(LOG_LEVEL_WARNING,
                 "--create makes files: 'larshm-dns schema' makes the tables of a MariaDB database");
    struct content content = {.store = command_open_store(db, options->mode)};
    if (!content.store)
        return EXIT_FAILURE;
    if (status_store_check(content.store) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", status_store_error(content.store));
        status_store_close(content.store);
        return EXIT_FAILURE;
    }
    const struct service service = {
        .limits = &options->limits, .name = "a report service", .start = start, .stop = stop, .arg = &content};
    int exit_code = service_run(&service, &options->listen);
    if (exit_code == EXIT_SUCCESS && reporter_finish(content.reporter) != 0)
        exit_code = EXIT_FAILURE;
    reporter_free(content.reporter);
    status_store_close(content.store);
    return exit_code;
}

int command_serve(const char *db, int argc, char **argv)
{
    struct server_options options;
    server_options_init(&options, "127.0.0.1:7779");
    argp_err_exit_status = EX_CONFIG;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EX_CONFIG;
    log_daemon();
    if (!command_db_is_right(db))
        return EX_CONFIG;
    int exit_code = serve(db, &options);
    server_options_free(&options);
    return exit_code;
}
