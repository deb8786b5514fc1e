/* SPDX-License-Identifier: MIT */
/* A private MariaDB server with a database "routes", which the user lars may edit, and root's connection to it. */
#ifndef TESTS_SUPPORT_MARIADB_SERVER_H
#define TESTS_SUPPORT_MARIADB_SERVER_H

#include "tools/common/maria.h"

struct mariadb_server {
    char directory[40];
    char url[160]; /* for --db, as lars */
    struct maria maria;
};

/* Starts it, and removes all of it. */
void mariadb_server_init(struct mariadb_server *server);
void mariadb_server_dispose(struct mariadb_server *server);

/* Ends the server, or starts it again on what it has. */
void mariadb_server_stop(struct mariadb_server *server);
void mariadb_server_start(struct mariadb_server *server);

/* Sends it a signal. */
void mariadb_server_signal(const struct mariadb_server *server, int number);

/* The database without rows, with the tables that larshm-dns makes. */
void mariadb_server_empty(struct mariadb_server *server);

__attribute__((format(printf, 2, 3))) void mariadb_run(struct mariadb_server *server, const char *format,
                                                       ...);
__attribute__((format(printf, 2, 3))) uint64_t mariadb_ask(struct mariadb_server *server, const char *format,
                                                           ...);

#endif
