/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_BRIDGE_OPTIONS_H
#define TOOLS_BRIDGE_OPTIONS_H

#include <netinet/in.h>
#include <stddef.h>

enum {
    PORTS_MAX = 3, /* that Lars clients know */
};

struct options {
    const char *instance;
    struct in_addr listen;
    in_port_t ports[PORTS_MAX]; /* host order; 0: the kernel chooses */
    size_t port_count;
};

/* Ends the process with a message and status 1 where the command line is wrong, as argp does for --help with 0. */
void options_parse(int argc, char **argv, struct options *out);

#endif
