/* SPDX-License-Identifier: MIT */
/* The directory's admin socket, for `larshm-dns peers` and `larshm-dns route status`. */
#ifndef TOOLS_DNS_CONTROL_H
#define TOOLS_DNS_CONTROL_H

#include <netinet/in.h>
#include <uv.h>

#include "tools/dns/directory.h"

enum {
    CONTROL_NAME_SIZE = 16,
};

/* What the directory at a port is called where admin sockets have their default places. */
void control_name(in_port_t port, char name[static CONTROL_NAME_SIZE]);

struct control;

/* `path` may be "". Where there can be no socket the log says why. NULL: out of memory. `path` must outlive it. */
struct control *control_start(uv_loop_t *loop, struct directory *directory, const struct sockaddr_in *listen,
                              const char *path);

/* NULL is fine. Freed once libuv has closed its handles. */
void control_stop(struct control *control);

#endif
