/* SPDX-License-Identifier: MIT */
#include "tools/common/service.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "conf/address.h"
#include "conf/descriptors.h"
#include "conf/log.h"
#include "conf/notify.h"
#include "conf/system_error.h"
#include "conf/watchdog.h"
#include "tools/common/announce.h"

enum {
    SIGNALS = 2,
};

struct run {
    const struct service *service;
    bool started;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t watchdog;
    struct server *server;
};

static void stop(struct run *run)
{
    notify("STOPPING=1");
    uv_close((uv_handle_t *)&run->watchdog, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    if (run->server)
        server_stop(run->server);
    if (run->started)
        run->service->stop(run->service->arg);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data);
}

static int start(struct run *run, const struct sockaddr_in *address)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    const struct service *service = run->service;
    watchdog_start(&run->watchdog, &run->loop);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
    struct server_handler handler;
    int rc = service->start(service->arg, &run->loop, &handler);
    if (rc != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot start: %s", uv_strerror(rc));
        return -1;
    }
    run->started = true;
    struct sockaddr_in bound;
    rc = server_start(&run->server, &run->loop, address, service->limits, &handler, &bound);
    if (rc != 0) {
        char name[ADDRESS_TEXT_SIZE];
        address_format(address, name);
        bool in_use = rc == UV_EADDRINUSE;
        log_line(LOG_LEVEL_ERROR, "cannot listen on %s: %s; %s%s%schoose another address with --listen", name,
                 uv_strerror(rc), in_use ? "is " : "", in_use ? service->name : "",
                 in_use ? " running there? " : "");
        return -1;
    }
    if (service->listening)
        service->listening(service->arg, &run->loop, &bound);
    announce("", &bound);
    notify("READY=1");
    return 0;
}

int service_run(const struct service *service, const struct sockaddr_in *address)
{
    struct run run = {.service = service};
    int error = descriptors_for_loop() ? -uv_loop_init(&run.loop) : errno;
    if (error != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot start: %s", system_error_text(error));
        return EXIT_FAILURE;
    }
    int exit_code = EXIT_SUCCESS;
    if (start(&run, address) != 0) {
        exit_code = EXIT_FAILURE;
        stop(&run);
    }
    uv_run(&run.loop, UV_RUN_DEFAULT);
    server_free(run.server);
    uv_loop_close(&run.loop);
    return exit_code;
}
