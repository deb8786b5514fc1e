/* SPDX-License-Identifier: MIT */
#ifndef CONF_NAME_H
#define CONF_NAME_H

#include <stdbool.h>

/* A host name, or an IPv4 address with all of its four numbers. */
bool name_is_host(const char *text);

/* The name of a Unix group, or nothing. */
bool name_is_group(const char *text);

/* An absolute path that a Unix socket can have, or nothing. */
#define NAME_SOCKET_ALLOWED "an absolute path of at most 107 characters"
bool name_is_socket(const char *text);

#endif
