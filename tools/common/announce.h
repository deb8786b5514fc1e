/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_COMMON_ANNOUNCE_H
#define TOOLS_COMMON_ANNOUNCE_H

#include <netinet/in.h>

/* The line on stdout that says where a daemon listens. It serves on where stdout does not take it, and logs it. */
void announce(const char *protocol, const struct sockaddr_in *address);

/* The same of an address as text. */
void announce_name(const char *protocol, const char *name);

#endif
