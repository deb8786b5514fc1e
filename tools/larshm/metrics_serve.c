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
#include "tools/common/announce.h"
#include "tools/larshm/http_server.h"
#include "tools/larshm/metrics_page.h"

enum {
    SIGNALS = 2,
    PAGE_AGE_MS = 1000, /* who asks more often gets the same page again, so that it costs no more */
    NAME_SIZE = INET6_ADDRSTRLEN + 10,
};

struct serve {
    const struct metrics_options *options;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    struct http_server *server;
    char *page;
    size_t page_length;
    uint64_t page_time; /* of the loop */
};

static void stop(struct serve *serve)
{
    notify("STOPPING=1");
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

static void renew(struct serve *serve)
{
    struct metrics_set set;
    if (serve->page && uv_now(&serve->loop) - serve->page_time < PAGE_AGE_MS)
        return;
    free(serve->page);
    serve->page = NULL;
    if (metrics_collect(serve->options, &set)) {
        serve->page = metrics_page(&set, &serve->page_length);
        metrics_set_free(&set);
    }
    uv_update_time(&serve->loop); /* that may have taken a moment */
    serve->page_time = uv_now(&serve->loop);
}

static void set_page(struct http_page *page, const char *type, const char *text, size_t length)
{
    page->text = malloc(length + 1);
    page->status = page->text ? HTTP_OK : HTTP_SERVER_ERROR;
    page->type = type;
    page->length = length;
    if (page->text)
        memcpy(page->text, text, length);
}

static void get_page(void *arg, const char *path, struct http_page *page)
{
    static const char root[] = "<!DOCTYPE html><html lang=\"en\"><head><title>larshm</title></head>"
                               "<body><h1>larshm " LARSHM_VERSION "</h1>"
                               "<p><a href=\"/metrics\">Metrics</a>, see larshm(1)</p></body></html>\n";
    struct serve *serve = arg;
    if (strcmp(path, "/") == 0) {
        set_page(page, "text/html; charset=utf-8", root, sizeof(root) - 1);
    } else if (strcmp(path, "/metrics") == 0) {
        renew(serve);
        page->status = HTTP_SERVER_ERROR;
        if (serve->page)
            set_page(page, "text/plain; version=0.0.4; charset=utf-8", serve->page, serve->page_length);
    }
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
    signal(SIGPIPE, SIG_IGN);
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
    free(serve.page);
    uv_loop_close(&serve.loop);
    return exit_code;
}
