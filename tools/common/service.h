/* SPDX-License-Identifier: MIT */
/* The life of a program that serves Lars frames: it listens, says where, and ends on SIGTERM or SIGINT. */
#ifndef TOOLS_COMMON_SERVICE_H
#define TOOLS_COMMON_SERVICE_H

#include <netinet/in.h>
#include <uv.h>

#include "tools/common/server.h"

struct service {
    const struct server_limits *limits;
    const char *name; /* of what may listen at the address already, as in "a directory" */
    /* Starts what the service needs on the loop. Returns 0, or libuv's negative error with nothing left behind. */
    int (*start)(void *arg, uv_loop_t *loop, struct server_handler *handler);
    /* It listens at that address; NULL: nothing to do. */
    void (*listening)(void *arg, uv_loop_t *loop, const struct sockaddr_in *bound);
    /* Ends what was started. The connections are closed already. */
    void (*stop)(void *arg);
    void *arg;
};

/* Serves until a signal. Returns the program's exit code; failures are logged. */
int service_run(const struct service *service, const struct sockaddr_in *address);

#endif
