/* SPDX-License-Identifier: MIT */
/* `larshm metrics --listen`: a daemon. */
#ifndef TOOLS_LARSHM_METRICS_SERVE_H
#define TOOLS_LARSHM_METRICS_SERVE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "tools/larshm/metrics_read.h"

enum {
    METRICS_PORT = 9778
};

/* Reads IP:PORT, [IPv6]:PORT, or one of both; the other is 127.0.0.1 or METRICS_PORT. Otherwise *out is untouched. */
bool metrics_address(const char *text, struct sockaddr_storage *out);

/* Serves until SIGTERM or SIGINT. Returns the exit code; failures are logged. */
int metrics_serve(const struct metrics_options *options, const struct sockaddr_storage *address);

#endif
