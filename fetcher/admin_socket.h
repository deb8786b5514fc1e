/* SPDX-License-Identifier: MIT */
/* The file of the admin socket: where it may stand, and that only the fetcher's user and root can reach it. */
#ifndef FETCHER_ADMIN_SOCKET_H
#define FETCHER_ADMIN_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "conf/config.h"

/* Zero-initialise. */
struct admin_socket {
    char path[CONFIG_PATH_SIZE];
    char directory[CONFIG_PATH_SIZE]; /* the instance's own; "": the path was configured */
};

/*
 * Binds `pipe`, initialised, in place of what a fetcher that died has left. `configured` may be "". A directory that
 * others may write to is refused, and so is a path where another program listens. False: `error` says why.
 */
bool admin_socket_bind(struct admin_socket *out, uv_pipe_t *pipe, const char *instance,
                       const char *configured, char *error, size_t error_size);

/* After the pipe was closed, which has removed the file. */
void admin_socket_remove_directory(const struct admin_socket *admin_socket);

#endif
