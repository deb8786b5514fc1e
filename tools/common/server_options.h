/* SPDX-License-Identifier: MIT */
/* What the command line says of a server on a database: where it listens, and which peers it serves. */
#ifndef TOOLS_COMMON_SERVER_OPTIONS_H
#define TOOLS_COMMON_SERVER_OPTIONS_H

#include <argp.h>

#include "tools/common/server.h"
#include "tools/common/store_mode.h"

struct server_options {
    const char *listen_default; /* IP:PORT */
    struct sockaddr_in listen;
    enum store_mode mode;
    struct server_limits limits;
};

/* Before the options are read. */
void server_options_init(struct server_options *options, const char *listen_default);

/* For a program's own parser: a child, whose input is a struct server_options. */
extern const struct argp server_argp;

/* At the end. */
void server_options_free(struct server_options *options);

#endif
