/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "tools/dns/command.h"
#include "tools/dns/directory.h"
#include "tools/dns/log.h"
#include "tools/dns/parse.h"
#include "tools/dns/server.h"

static const char doc[] =
    "Serves the routes of the database to Lars agents and to larshm-fetcher."
    "\v"
    "Prints 'listening on IP:PORT' when it accepts connections; SIGTERM and SIGINT end it. "
    "A request is answered from the database and subscribes its connection to the route; "
    "a change that any process makes in the database is pushed within about 100 ms. "
    "The protocol has no authentication: listen where only your own hosts can connect.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db serve\n"
    "  larshm-dns --db routes.db serve --listen 10.0.0.5:7778\n"
    "  larshm-dns --db routes.db serve --listen 127.0.0.1:0    the kernel chooses a port";

static const struct argp_option options[] = {
    {"listen", 'l', "IP:PORT", 0, "where to accept connections (default 127.0.0.1:7778)", 0},
    {"max-subscriptions", 'm', "NUMBER", 0,
     "close a connection that subscribes to more routes than this (default 2000000)", 0},
    {0},
};

struct arguments {
    struct sockaddr_in listen;
    uint32_t max_subscriptions;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'l':
        if (!parse_address(arg, &arguments->listen))
            argp_error(state, "--listen '%s' is not " PARSE_ADDRESS_ALLOWED, arg);
        return 0;
    case 'm':
        if (!parse_number(arg, UINT32_MAX, &arguments->max_subscriptions) || !arguments->max_subscriptions)
            argp_error(state, "--max-subscriptions '%s' is not a decimal number from 1 to 4294967295", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse_option, NULL, doc, NULL, NULL, NULL};

struct service {
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct store *store;
    struct directory *directory;
    struct server *server;
};

static void service_stop(struct service *service)
{
    for (size_t i = 0; i < sizeof(service->signals) / sizeof(*service->signals); i++)
        uv_close((uv_handle_t *)&service->signals[i], NULL);
    if (service->server)
        server_stop(service->server);
    if (service->directory)
        directory_stop(service->directory);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct service *service = signal->data;
    (void)number;
    service_stop(service);
    directory_log_totals(service->directory);
}

static int service_start(struct service *service, const struct arguments *arguments)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        uv_signal_init(&service->loop, &service->signals[i]);
        service->signals[i].data = service;
        uv_signal_start(&service->signals[i], on_signal, numbers[i]);
    }
    int rc =
        directory_start(&service->directory, &service->loop, service->store, arguments->max_subscriptions);
    if (rc != 0) {
        log_line("cannot start: %s", uv_strerror(rc));
        return -1;
    }
    struct server_handler handler = directory_handler(service->directory);
    struct sockaddr_in bound;
    char name[PARSE_ADDRESS_SIZE];
    rc = server_start(&service->server, &service->loop, &arguments->listen, &handler, &bound);
    if (rc != 0) {
        format_address(&arguments->listen, name);
        log_line(
            "cannot listen on %s: %s; is a directory running there? choose another address with --listen",
            name, uv_strerror(rc));
        return -1;
    }
    format_address(&bound, name);
    printf("listening on %s\n", name);
    if (fflush(stdout) != 0) {
        log_line("cannot write to stdout");
        return -1;
    }
    return 0;
}

int command_serve(const char *db, int argc, char **argv)
{
    struct arguments arguments = {.max_subscriptions = 2000000};
    parse_address("127.0.0.1:7778", &arguments.listen);
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);

    struct service service = {.store = command_open_store(db, STORE_CREATE)};
    if (!service.store)
        return EXIT_FAILURE;
    int exit_code = EXIT_FAILURE, rc = uv_loop_init(&service.loop);
    if (rc != 0) {
        log_line("cannot start: %s", uv_strerror(rc));
    } else {
        if (service_start(&service, &arguments) == 0)
            exit_code = EXIT_SUCCESS;
        else
            service_stop(&service);
        uv_run(&service.loop, UV_RUN_DEFAULT);
        server_free(service.server);
        directory_free(service.directory);
        uv_loop_close(&service.loop);
    }
    store_close(service.store);
    return exit_code;
}
