/* SPDX-License-Identifier: MIT */
#include "tools/common/maria.h"

#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SYNCED = 4, /* wsrep_local_state */
    WRITE_SECONDS = 10,
    LOCK_SECONDS = 5, /* that a statement waits for another editor */
};

int maria_fail(struct maria *maria, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(maria->error, sizeof(maria->error), format, arguments);
    va_end(arguments);
    return -1;
}

static const char *user_name(const struct maria *maria)
{
    return maria->url.user ? maria->url.user : "the user of the options file, or of this process";
}

static void disconnect(struct maria *maria)
{
    if (maria->mysql)
        mysql_close(maria->mysql);
    maria->mysql = NULL;
}

void maria_leave(struct maria *maria)
{
    disconnect(maria);
    maria->host = (maria->host + 1) % maria->url.host_count;
}

/* Errors after which another host may do better, and those with which the connection ends. */
static bool host_is_lost(unsigned code)
{
    switch (code) {
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_UNKNOWN_COM_ERROR: /* a node that is not ready */
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_OPTION_PREVENTS_STATEMENT: /* it is read-only */
    case ER_READ_ONLY_MODE:
        return true;
    default:
        return code >= CR_MIN_ERROR && code <= CR_MAX_ERROR;
    }
}

static int fail_code(struct maria *maria, unsigned code, const char *text)
{
    const char *host = maria->name, *database = maria->url.database;
    maria->code = code;
    switch (code) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        return maria_fail(maria,
                          "%s refuses %s: the user or the password is wrong; the password is read from an "
                          "options file ([client] password=..., in ~/.my.cnf or with ?options-file=PATH), or "
                          "from MYSQL_PWD",
                          host, user_name(maria));
    case ER_DBACCESS_DENIED_ERROR:
        return maria_fail(
            maria,
            "%s: missing rights: %.300s; GRANT them, see MARIADB in %s(1); or is the name in --db wrong?",
            host, text, program_invocation_short_name);
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
        return maria_fail(maria, "%s: missing rights: %.300s; GRANT them, see MARIADB in %s(1)", host, text,
                          program_invocation_short_name);
    case ER_BAD_DB_ERROR:
        return maria_fail(maria,
                          "%s has no database '%s': is its name right? Otherwise run CREATE DATABASE there, "
                          "and then 'larshm-dns schema', which makes the tables",
                          host, database);
    case ER_NO_SUCH_TABLE:
        return maria_fail(maria, "%s: %.300s: is --db right? 'larshm-dns schema' makes the tables of Lars",
                          host, text);
    case ER_BAD_FIELD_ERROR:
        return maria_fail(maria,
                          "%s: database '%s' has tables of other columns than those of Lars (%.200s): name "
                          "another one with --db",
                          host, database, text);
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_READ_ONLY_MODE:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
        return maria_fail(maria,
                          "%s is read-only (%.200s), as a replica is: name the server that takes edits with "
                          "--db",
                          host, text);
    case ER_WARN_DATA_OUT_OF_RANGE:
        return maria_fail(maria, "%s: the column of a table is too small for the value: %.300s", host, text);
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
        return maria_fail(maria,
                          "%s: another editor of database '%s' was in the way (%.200s): try again later",
                          host, database, text);
    case ER_UNKNOWN_COM_ERROR:
        return maria_fail(maria, "%s is not ready (%.200s): is most of its cluster there?", host, text);
    case CR_SERVER_LOST:
        if (strstr(text, "handshake"))
            return maria_fail(
                maria,
                "%s does not answer as a MariaDB server: %.300s; is it stopped, or the port that of "
                "another program?",
                host, text);
        return maria_fail(maria, "%s: the connection was lost: %.300s", host, text);
    case CR_SERVER_GONE_ERROR:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
        return maria_fail(maria, "%s: the connection was lost: %.300s", host, text);
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
        return maria_fail(maria,
                          "cannot connect to %s: %.300s; does the server run, and does it listen there?",
                          host, text);
    case CR_SSL_CONNECTION_ERROR:
        return maria_fail(maria, "no TLS with %s: %.300s; see ssl-ca in larshm-dns(1)", host, text);
    default:
        return maria_fail(maria, "%s: %.300s (error %u)", host, text, code);
    }
}

static int fail_mysql(struct maria *maria, unsigned code, const char *text)
{
    fail_code(maria, code, text);
    maria->again = host_is_lost(code) || code == ER_LOCK_DEADLOCK || code == ER_LOCK_WAIT_TIMEOUT;
    if (host_is_lost(code))
        maria_leave(maria);
    return -1;
}

static int fail_last(struct maria *maria)
{
    char text[STORE_ERROR_SIZE];
    snprintf(text, sizeof(text), "%s", mysql_error(maria->mysql));
    return fail_mysql(maria, mysql_errno(maria->mysql), text);
}

/* An error between two rows is the connection's alone. */
int maria_fail_statement(struct maria *maria, MYSQL_STMT *statement)
{
    char text[STORE_ERROR_SIZE];
    if (mysql_stmt_errno(statement) == 0)
        return fail_last(maria);
    snprintf(text, sizeof(text), "%s", mysql_stmt_error(statement));
    return fail_mysql(maria, mysql_stmt_errno(statement), text);
}

/* A server could ask for any file of this machine. */
static void set_options(const struct maria *maria, MYSQL *mysql)
{
    const struct maria_url *url = &maria->url;
    const unsigned write_seconds = WRITE_SECONDS, no = 0;
    const my_bool yes = 1;
    if (url->options_file)
        mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, url->options_file);
    mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, url->options_group ? url->options_group : "larshm");
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &maria->limits.connect_seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &maria->limits.read_seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &write_seconds);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (url->ssl_ca || url->ssl_cert || url->ssl_key)
        mysql_ssl_set(mysql, url->ssl_key, url->ssl_cert, url->ssl_ca, NULL, NULL);
    if (url->ssl_ca)
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

/* Deadlocks with other editors are the fewer, the less is locked; values that do not fit are errors. */
static int set_session(struct maria *maria)
{
    if (maria_run(maria, "SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = %d",
                  LOCK_SECONDS) < 0 ||
        maria_run(maria, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") < 0)
        return -1;
    /* What was committed on another node is read here from now on. */
    return maria->cluster && maria_run(maria, "SET SESSION wsrep_sync_wait = 1") < 0 ? -1 : 0;
}

int maria_check_node(struct maria *maria)
{
    bool ready = false, synced = false, primary = false;
    if (!maria->cluster)
        return 0;
    MYSQL_RES *rows = maria_query(maria, "SHOW GLOBAL STATUS WHERE Variable_name IN"
                                         " ('wsrep_ready', 'wsrep_local_state', 'wsrep_cluster_status')");
    if (!rows)
        return -1;
    for (MYSQL_ROW row; (row = mysql_fetch_row(rows));) {
        ready |= strcasecmp(row[0], "wsrep_ready") == 0 && strcmp(row[1], "ON") == 0;
        synced |= strcasecmp(row[0], "wsrep_local_state") == 0 && maria_column(row, 1) == SYNCED;
        primary |= strcasecmp(row[0], "wsrep_cluster_status") == 0 && strcasecmp(row[1], "Primary") == 0;
    }
    mysql_free_result(rows);
    if (ready && synced && primary)
        return 0;
    maria_fail(maria, "%s is not used: the node is not %s", maria->name,
               primary ? "Synced with its cluster" : "in the part of its cluster that has the majority");
    maria->again = true;
    maria_leave(maria);
    return -1;
}

/* A server that knows no clusters has no such variable. */
static void find_cluster(struct maria *maria)
{
    maria->cluster = false;
    if (mysql_query(maria->mysql, "SELECT @@global.wsrep_on") != 0)
        return;
    MYSQL_RES *rows = mysql_store_result(maria->mysql);
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    maria->cluster = row && maria_column(row, 0) == 1;
    mysql_free_result(rows);
}

static void name_host(struct maria *maria, const struct maria_host *host)
{
    const char *name = *host->name ? host->name : maria->url.socket;
    if (host->port)
        snprintf(maria->name, sizeof(maria->name), "%s:%u", name, host->port);
    else
        snprintf(maria->name, sizeof(maria->name), "%s", name);
}

static int connect_host(struct maria *maria)
{
    const struct maria_url *url = &maria->url;
    const struct maria_host *host = &url->hosts[maria->host];
    const unsigned tcp = MYSQL_PROTOCOL_TCP;
    name_host(maria, host);
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql)
        return maria_fail(maria, "out of memory");
    set_options(maria, mysql);
    maria->mysql = mysql;
    /* localhost means the socket otherwise, whatever the port is. */
    if (host->port && !url->socket)
        mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
    if (!mysql_real_connect(mysql, *host->name ? host->name : NULL, url->user, NULL, url->database,
                            host->port, url->socket, 0)) {
        fail_last(maria);
        return -1;
    }
    find_cluster(maria);
    return maria_check_node(maria) == 0 && set_session(maria) == 0 ? 0 : -1;
}

/* What is wrong with each of several hosts, in the order of the URL whichever was tried first. */
static int fail_hosts(struct maria *maria, char errors[][STORE_ERROR_SIZE])
{
    size_t count = maria->url.host_count, length = 0, each = (STORE_ERROR_SIZE - 1) / count;
    char all[STORE_ERROR_SIZE];
    for (size_t i = 0; i < count; i++) {
        const char *stop = i + 1 < count ? "; " : "";
        size_t room = each - strlen(stop);
        length += (size_t)snprintf(all + length, sizeof(all) - length, "%.*s%s", (int)room, errors[i], stop);
    }
    return maria_fail(maria, "%s", all);
}

/* Each failure leads to the next host. */
int maria_connect(struct maria *maria)
{
    char errors[MARIA_HOSTS_MAX][STORE_ERROR_SIZE] = {{0}};
    if (maria->mysql)
        return 0;
    for (size_t i = 0; i < maria->url.host_count; i++) {
        size_t host = maria->host;
        if (connect_host(maria) == 0)
            return 0;
        snprintf(errors[host], STORE_ERROR_SIZE, "%s", maria->error);
        if (maria->host == host)
            maria_leave(maria);
    }
    return fail_hosts(maria, errors);
}

int maria_reconnect(struct maria *maria, const struct maria_limits *limits)
{
    maria->limits = *limits;
    disconnect(maria);
    return maria_connect(maria);
}

/* libmariadb leaves an options file that cannot be read out without a word, and does not name the others. */
static int check_files(struct maria *maria)
{
    const struct {
        const char *path, *what;
    } files[] = {
        {maria->url.options_file, "the options file"},
        {maria->url.ssl_ca, "the file of ssl-ca"},
        {maria->url.ssl_cert, "the file of ssl-cert"},
        {maria->url.ssl_key, "the file of ssl-key"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (files[i].path && access(files[i].path, R_OK) != 0)
            return maria_fail(maria, "cannot read %s, %s: %s", files[i].what, files[i].path, strerror(errno));
    return 0;
}

int maria_open(struct maria *maria, const char *url, const struct maria_limits *limits)
{
    *maria = (struct maria){.limits = *limits};
    if (maria_url_parse(&maria->url, url, maria->error) != 0 || check_files(maria) != 0)
        return -1;
    return maria_connect(maria);
}

void maria_close(struct maria *maria)
{
    disconnect(maria);
    maria_url_free(&maria->url);
}

/* Not by another connection: the transaction would be half of one. */
static int query(struct maria *maria, const char *sql, size_t length)
{
    if (!maria->mysql)
        return -1;
    maria->again = false;
    maria->code = 0;
    return mysql_real_query(maria->mysql, sql, length) == 0 ? 0 : fail_last(maria);
}

int64_t maria_run_text(struct maria *maria, const char *sql, size_t length)
{
    return query(maria, sql, length) == 0 ? (int64_t)mysql_affected_rows(maria->mysql) : -1;
}

static int query_format(struct maria *maria, const char *format, va_list arguments)
{
    char *sql;
    int length = vasprintf(&sql, format, arguments);
    if (length < 0)
        return maria_fail(maria, "out of memory");
    int rc = query(maria, sql, (size_t)length);
    free(sql);
    return rc;
}

int64_t maria_run(struct maria *maria, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int rc = query_format(maria, format, arguments);
    va_end(arguments);
    return rc == 0 ? (int64_t)mysql_affected_rows(maria->mysql) : -1;
}

MYSQL_RES *maria_query(struct maria *maria, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int rc = query_format(maria, format, arguments);
    va_end(arguments);
    MYSQL_RES *rows = rc == 0 ? mysql_store_result(maria->mysql) : NULL;
    if (rc == 0 && !rows)
        fail_last(maria);
    return rows;
}

MYSQL_RES *maria_stream(struct maria *maria, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int rc = query_format(maria, format, arguments);
    va_end(arguments);
    MYSQL_RES *rows = rc == 0 ? mysql_use_result(maria->mysql) : NULL;
    if (rc == 0 && !rows)
        fail_last(maria);
    return rows;
}

int maria_end(struct maria *maria, MYSQL_RES *rows)
{
    unsigned code = mysql_errno(maria->mysql);
    char text[STORE_ERROR_SIZE];
    snprintf(text, sizeof(text), "%s", mysql_error(maria->mysql));
    mysql_free_result(rows);
    return code ? fail_mysql(maria, code, text) : 0;
}

int maria_number(struct maria *maria, uint64_t *value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int rc = query_format(maria, format, arguments);
    va_end(arguments);
    MYSQL_RES *rows = rc == 0 ? mysql_store_result(maria->mysql) : NULL;
    if (!rows)
        return rc == 0 ? fail_last(maria) : -1;
    MYSQL_ROW row = mysql_fetch_row(rows);
    uint64_t found = row ? maria_column(row, 0) : UINT64_MAX;
    mysql_free_result(rows);
    if (found == UINT64_MAX)
        return 1;
    *value = found;
    return 0;
}

uint64_t maria_column(MYSQL_ROW row, unsigned column)
{
    char *end;
    if (!row[column] || row[column][0] < '0' || row[column][0] > '9')
        return UINT64_MAX;
    uint64_t number = strtoull(row[column], &end, 10);
    return *end ? UINT64_MAX : number;
}
