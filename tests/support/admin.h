/* SPDX-License-Identifier: MIT */
/* An operator at a fetcher's admin socket. */
#ifndef TESTS_SUPPORT_ADMIN_H
#define TESTS_SUPPORT_ADMIN_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/support/fetcher.h"

/* A connection; it is there although the fetcher may not have accepted it yet. */
int admin_connect(const struct fetcher *fetcher);

/* The whole text goes out. False: the fetcher has ended the connection. */
bool admin_send(int fd, const char *text);

/* The next answer, checked for what every answer has. NULL: the connection has ended. */
json_t *admin_receive(int fd);

/* The next answer's "code"; "ok" when the request was carried out, "ended" when the connection was. */
const char *admin_code(int fd);

/* One request on a connection of its own, as printf() makes it; the answer's "code" likewise. */
const char *admin_command(const struct fetcher *fetcher, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
