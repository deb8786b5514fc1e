/* SPDX-License-Identifier: MIT */
/* What the command line says of the peers that a server serves. */
#ifndef TOOLS_COMMON_SERVER_OPTIONS_H
#define TOOLS_COMMON_SERVER_OPTIONS_H

#include <argp.h>

#include "tools/common/server.h"

/* Before the options are read. */
#define SERVER_LIMITS_DEFAULT ((struct server_limits){.idle_seconds = 600, .frame_seconds = 30})

/* For a program's own parser: a child, whose input is a struct server_limits. */
extern const struct argp server_argp;

/* At the end. */
void server_limits_free(struct server_limits *limits);

#endif
