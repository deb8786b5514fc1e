/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/descriptors.h"
#include "conf/log.h"
#include "conf/notify.h"
#include "conf/system_error.h"
#include "conf/watchdog.h"
#include "tools/common/announce.h"
#include "tools/larshm/http_server.h"
#include "tools/larshm/metrics_health.h"
#include "tools/larshm/metrics_page.h"

enum {
    SIGNALS = 2,
    SET_AGE_MS = 1000, /* who asks more often gets the same figures again, so that it costs no more */
    NAME_SIZE = INET6_ADDRSTRLEN + 10,
};

struct serve {
    const struct metrics_options *options;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t watchdog;
    struct http_server *server;
    struct metrics_set set;
    uint64_t set_time; /* of the loop */
};

static void stop(struct serve *serve)
{
    notify("STOPPING=1");
    uv_close((uv_handle_t *)&serve->watchdog, NULL);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
    if (serve->server)
        http_server_stop(serve->server);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data);
}

/* False: there is nothing to show. */
static bool renew(struct serve *serve)
{
    if (serve->set.all && uv_now(&serve->loop) - serve->set_time < SET_AGE_MS)
        return true;
    metrics_set_free(&serve->set);
    bool done = metrics_collect(serve->options, &serve->set);
    uv_update_time(&serve->loop); /* that may have taken a moment */
    serve->set_time = uv_now(&serve->loop);
    return done;
}

static void get_root(struct http_page *page)
{
    static const char root[] =
        "<!DOCTYPE html><html lang=\"en\"><head><title>larshm</title></head><body><h1>larshm " LARSHM_VERSION
        "</h1><p><a href=\"/metrics\">Metrics</a>, <a href=\"/health\">health</a>; see larshm(1)</p></body></html>\n";
    page->text = strdup(root);
    page->type = "text/html; charset=utf-8";
    page->length = sizeof(root) - 1;
    page->status = page->text ? HTTP_OK : HTTP_SERVER_ERROR;
}

static void get_metrics(struct serve *serve, struct http_page *page)
{
    page->text = renew(serve) ? metrics_page(&serve->set, &page->length) : NULL;
    page->type = "text/plain; version=0.0.4; charset=utf-8";
    page->status = page->text ? HTTP_OK : HTTP_SERVER_ERROR;
}

static void get_health(struct serve *serve, struct http_page *page)
{
    bool healthy = false;
    page->text = renew(serve) ? metrics_health(&serve->set, &page->length, &healthy) : NULL;
    page->type = "text/plain; charset=utf-8";
    page->status = healthy ? HTTP_OK : page->text ? HTTP_UNAVAILABLE : HTTP_SERVER_ERROR;
}

static void get_page(void *arg, const char *path, struct http_page *page)
{
    if (strcmp(path, "/") == 0)
        get_root(page);
    else if (strcmp(path, "/metrics") == 0)
        get_metrics(arg, page);
    else if (strcmp(path, "/health") == 0)
        get_health(arg, page);
}

static void format(const struct sockaddr_storage *address, char out[static NAME_SIZE])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool v6 = address->ss_family == AF_INET6;
    uv_ip_name((const struct sockaddr *)address, ip, sizeof(ip));
    unsigned port = ntohs(v6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                             : ((const struct sockaddr_in *)address)->sin_port);
    snprintf(out, NAME_SIZE, v6 ? "[%s]:%u" : "%s:%u", ip, port);
}

static int start(struct serve *serve, const struct sockaddr_storage *address)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    struct sockaddr_storage bound;
    char name[NAME_SIZE];
    watchdog_start(&serve->watchdog, &serve->loop);
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&serve->loop, &serve->signals[i]);
        serve->signals[i].data = serve;
        uv_signal_start(&serve->signals[i], on_signal, numbers[i]);
    }
    int rc = http_server_start(&serve->server, &serve->loop, address, get_page, serve, &bound);
    if (rc != 0) {
        format(address, name);
        log_line(LOG_LEVEL_ERROR, "cannot listen on %s: %s; choose another address with --listen", name,
                 uv_strerror(rc));
        return EXIT_FAILURE;
    }
    format(&bound, name);
    announce_name("http://", name);
    notify("READY=1");
    return EXIT_SUCCESS;
}

int metrics_serve(const struct metrics_options *options, const struct sockaddr_storage *address)
{
    struct serve serve = {.options = options};
    log_daemon();
    int error = descriptors_for_loop() ? -uv_loop_init(&serve.loop) : errno;
    if (error != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot start: %s", system_error_text(error));
        return EXIT_FAILURE;
    }
    int exit_code = start(&serve, address);
    if (exit_code != EXIT_SUCCESS)
        stop(&serve);
    uv_run(&serve.loop, UV_RUN_DEFAULT);
    http_server_free(serve.server);
    metrics_set_free(&serve.set);
    uv_loop_close(&serve.loop);
    return exit_code;
}
