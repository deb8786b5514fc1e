/* SPDX-License-Identifier: MIT */
/*
 * A connection to a MariaDB or MySQL database, or to one node of a cluster: the first of the URL's hosts that can be used.
 * In a Galera cluster that is one which is Synced and in the primary component. Everything has a time-out.
 *
 * Functions that can fail return -1, and `error` says why and what to do.
 */
#ifndef TOOLS_COMMON_MARIA_H
#define TOOLS_COMMON_MARIA_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/maria_url.h"

struct maria_limits {
    unsigned connect_seconds; /* for each host */
    unsigned read_seconds;    /* for each answer */
};

struct maria {
    struct maria_url url;
    struct maria_limits limits;
    MYSQL *mysql;   /* NULL: not connected */
    size_t host;    /* of the URL: which is connected, or is tried first */
    bool cluster;   /* the host is a node of one */
    bool again;     /* the failure may be over when the transaction is made once more */
    unsigned code;  /* MariaDB's error, if it was one */
    char name[128]; /* of the host that was tried last, for messages */
    char error[STORE_ERROR_SIZE];
};

/* Reads the URL and connects. Close it also after a failure. */
int maria_open(struct maria *maria, const char *url, const struct maria_limits *limits);

/* For one that was opened, and one that is all zero. */
void maria_close(struct maria *maria);

/* Connects if there is no connection, or the last one was lost. Each host is tried once, from maria->host on. */
int maria_connect(struct maria *maria);

/* Connects again, to the host that is connected now if it can be used, with other time-outs. */
int maria_reconnect(struct maria *maria, const struct maria_limits *limits);

/* Ends the connection; the next one is to the next host. */
void maria_leave(struct maria *maria);

/* Fails, and leaves the host, unless the node is Synced and in the primary component, or the host is no node. */
int maria_check_node(struct maria *maria);

/* Runs a statement that gives no rows. Returns how many it changed. Without a connection, the error stays what it was. */
__attribute__((format(printf, 2, 3))) int64_t maria_run(struct maria *maria, const char *format, ...);
int64_t maria_run_text(struct maria *maria, const char *sql, size_t length);

/* Runs a query, and takes all of its rows at once. NULL: it failed. */
__attribute__((format(printf, 2, 3))) MYSQL_RES *maria_query(struct maria *maria, const char *format, ...);

/* Runs a query, and takes its rows one by one: read them to the end, and see maria_end(). NULL: it failed. */
__attribute__((format(printf, 2, 3))) MYSQL_RES *maria_stream(struct maria *maria, const char *format, ...);

/* Frees a result. Returns -1 if not all of a stream came. */
int maria_end(struct maria *maria, MYSQL_RES *rows);

/* The first column of the first row as a number. 1: there is no row, or it is NULL. */
__attribute__((format(printf, 3, 4))) int maria_number(struct maria *maria, uint64_t *value,
                                                       const char *format, ...);

/* A column as a number; UINT64_MAX: it is none, or NULL. */
uint64_t maria_column(MYSQL_ROW row, unsigned column);

/* Sets the error. Returns -1. */
__attribute__((format(printf, 2, 3))) int maria_fail(struct maria *maria, const char *format, ...);

/* Sets the error to what a prepared statement failed with. Returns -1. */
int maria_fail_statement(struct maria *maria, MYSQL_STMT *statement);

#endif
