/* SPDX-License-Identifier: MIT */
/*
 * Where a MariaDB or MySQL database is: mysql://[USER@]HOST[:PORT][,HOST[:PORT]...]/DATABASE[?NAME=VALUE[&NAME=VALUE...]],
 * or mariadb:// and the same.
 * User, database and values may have %XX in them. A password has no place in it: other users see arguments.
 */
#ifndef TOOLS_COMMON_MARIA_URL_H
#define TOOLS_COMMON_MARIA_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/store_mode.h"

#define MARIA_URL_FORM "mysql://USER@HOST[:PORT][,HOST[:PORT]...]/DATABASE"

enum {
    MARIA_HOSTS_MAX = 16,
};

struct maria_host {
    const char *name; /* empty: this machine, by socket */
    unsigned port;    /* 0: what the options file says, or the usual one */
};

struct maria_url {
    char *text;       /* that the others point into */
    const char *user; /* NULL: as the options file says, or this process's user */
    const char *database;
    struct maria_host hosts[MARIA_HOSTS_MAX];
    size_t host_count; /* at least 1 */
    /* Values of the options of that name, or NULL. */
    const char *socket, *options_file, *options_group, *ssl_ca, *ssl_cert, *ssl_key;
};

/* Whether the argument of --db is such a place, and no file. */
bool maria_url_is(const char *db);

/* Returns 0; or -1, and `error` says what is wrong. Free the URL in both cases. */
int maria_url_parse(struct maria_url *url, const char *text, char error[static STORE_ERROR_SIZE]);
void maria_url_free(struct maria_url *url);

#endif
