/* SPDX-License-Identifier: MIT */
/* The file of the admin socket: where it may stand, and that only its program's user and root can reach it. */
#ifndef CONF_ADMIN_SOCKET_H
#define CONF_ADMIN_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "conf/values.h"

/* Zero-initialise. */
struct admin_socket {
    char path[CONFIG_PATH_SIZE];
    char directory[CONFIG_PATH_SIZE]; /* the program's own; "": the path was configured */
    dev_t device;                     /* of the file that was bound */
    ino_t inode;
};

/*
 * Binds `pipe`, initialised, in place of what a program that died has left. `configured` may be "". A directory that
 * others may write to is refused, and so is a path where another program listens. False: `error` says why.
 */
bool admin_socket_bind(struct admin_socket *out, uv_pipe_t *pipe, const char *name, const char *configured,
                       char *error, size_t error_size);

/* True while the path leads to the file that was bound. */
bool admin_socket_is_named(const struct admin_socket *admin_socket);

/* Removes that file, and the directory if it was made for it and is empty. What others have put there stays. */
void admin_socket_remove(const struct admin_socket *admin_socket);

#endif
