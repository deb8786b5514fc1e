/* SPDX-License-Identifier: MIT */
/* The store in a MariaDB database. Statements are bulk ones: one of many rows costs little more than one of a single
 * row. */
#include <inttypes.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/address.h"
#include "conf/log.h"
#include "tools/common/maria.h"
#include "tools/reporter/status_kind.h"

enum {
    ROOM = 1 << 22,     /* what 10,000 machines report of 100 routes of 4 hosts; some 220 MB */
    BATCH_ROWS = 1000,  /* in a statement, which is a transaction */
    WRITE_ROWS = 16000, /* in status_store_write(), so that the program can end in between */
    CONFLICT_TRIES = 5,
    NODE_SECONDS = 1, /* how often a node is checked */
    CONNECT_SECONDS = 2,
    READ_SECONDS = 10,     /* longer than a statement waits for another's */
    CHECK_VIOLATED = 3819, /* MySQL's code, which libmariadb does not name */
};

#define COLUMNS "modid, cmdid, ip, port, caller, succ_cnt, err_cnt, ts, overload"

static const char write_sql[] =
    "INSERT INTO ServerCallStatus (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON DUPLICATE KEY UPDATE succ_cnt = VALUES(succ_cnt),"
    " err_cnt = VALUES(err_cnt), ts = VALUES(ts), overload = VALUES(overload)";

/* As the statement takes it. */
struct row {
    uint32_t modid, cmdid, ip, port, caller, successes, failures, time, overloaded;
};

struct status_maria {
    struct status_store store;
    struct maria maria;
    MYSQL_STMT *statement; /* NULL: not prepared on this connection */
    bool bulk;             /* the server takes many rows */
    bool ids_are_signed;   /* as in Lars' table: what has no room in it is its negative there, as with Lars */
    time_t node_checked;
    bool values_refused; /* that is what the last statement failed for */
    struct log_limit refused;
    struct row rows[BATCH_ROWS];
};

static struct status_maria *maria_store(struct status_store *store)
{
    return (struct status_maria *)store;
}

static void close_statement(struct status_maria *store)
{
    if (store->statement)
        mysql_stmt_close(store->statement);
    store->statement = NULL;
}

static void close_connection(struct status_store *base)
{
    struct status_maria *store = maria_store(base);
    close_statement(store);
    maria_close(&store->maria);
    free(store);
}

/* ---- before anything is written ---- */

/* Results would not be replaced, and the table would grow forever. */
static int check_key(struct maria *maria)
{
    uint64_t keys = 0;
    if (maria_number(maria, &keys,
                     "SELECT count(*) FROM (SELECT INDEX_NAME FROM information_schema.STATISTICS"
                     " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'ServerCallStatus' AND NON_UNIQUE = 0"
                     " GROUP BY INDEX_NAME HAVING count(*) = 5"
                     " AND sum(COLUMN_NAME IN ('modid', 'cmdid', 'ip', 'port', 'caller')) = 5) AS found") < 0)
        return -1;
    if (keys > 0)
        return 0;
    return maria_fail(maria,
                      "%s: table ServerCallStatus of database '%s' has not the key of Lars: run ALTER TABLE "
                      "ServerCallStatus ADD PRIMARY KEY (modid, cmdid, ip, port, caller), or name another "
                      "database with --db",
                      maria->name, maria->url.database);
}

static int find_signs(struct status_maria *store)
{
    uint64_t columns = 0;
    if (maria_number(&store->maria, &columns,
                     "SELECT count(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = database()"
                     " AND TABLE_NAME = 'ServerCallStatus' AND COLUMN_NAME IN ('modid', 'cmdid')"
                     " AND DATA_TYPE = 'int' AND COLUMN_TYPE NOT LIKE '%%unsigned%%'") < 0)
        return -1;
    store->ids_are_signed = columns > 0;
    return 0;
}

/* The values come from the first row, and of more rows from those behind it. */
static int bind_rows(struct status_maria *store)
{
    MYSQL_BIND values[sizeof(struct row) / sizeof(uint32_t)];
    const size_t row_size = sizeof(struct row);
    memset(values, 0, sizeof(values));
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        values[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG,
                                 .buffer = (uint32_t *)store->rows + i,
                                 .is_unsigned = i > 1 || !store->ids_are_signed};
    if (mysql_stmt_attr_set(store->statement, STMT_ATTR_ROW_SIZE, &row_size) == 0 &&
        mysql_stmt_bind_param(store->statement, values) == 0)
        return 0;
    return maria_fail_statement(&store->maria, store->statement);
}

/* A server of MySQL does not: it gets a statement for each row. */
static bool knows_bulk(MYSQL *mysql)
{
    unsigned capabilities = 0;
    return mariadb_get_infov(mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities) == 0 &&
           capabilities & (unsigned)(MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32);
}

/* That shows whether the table is there, and the right to write to it. */
static int prepare(struct status_maria *store)
{
    store->statement = mysql_stmt_init(store->maria.mysql);
    if (!store->statement)
        return maria_fail(&store->maria, "out of memory");
    if (mysql_stmt_prepare(store->statement, write_sql, sizeof(write_sql) - 1) != 0)
        return maria_fail_statement(&store->maria, store->statement);
    store->bulk = knows_bulk(store->maria.mysql);
    return check_key(&store->maria) != 0 || find_signs(store) != 0 ? -1 : bind_rows(store);
}

static int connect_and_prepare(struct status_maria *store)
{
    struct maria *maria = &store->maria;
    time_t now = time(NULL);
    if (!maria->mysql)
        close_statement(store);
    if (maria_connect(maria) != 0)
        return -1;
    if (store->statement && now - store->node_checked >= NODE_SECONDS && maria_check_node(maria) != 0)
        return -1;
    store->node_checked = now;
    if (store->statement)
        return 0;
    int rc = prepare(store);
    if (rc != 0)
        close_statement(store);
    return rc;
}

static int check(struct status_store *base)
{
    return connect_and_prepare(maria_store(base));
}

/* ---- writing ---- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Lars' columns for counts end at 2^31 - 1. */
static struct row row_of(const struct status *status)
{
    return (struct row){
        .modid = status->route.modid,
        .cmdid = status->route.cmdid,
        .ip = ntohl(status->host.address),
        .port = ntohs(status->host.port),
        .caller = status->caller,
        .successes = smaller(status->successes, INT32_MAX),
        .failures = smaller(status->failures, INT32_MAX),
        .time = status->time,
        .overloaded = status->overloaded,
    };
}

/* Other rows may do: classes 22 and 23 are values that do not fit and constraints, 45 is what triggers say. */
static bool is_about_values(unsigned code, const char *state)
{
    return code == ER_NO_PARTITION_FOR_GIVEN_VALUE || code == ER_TRUNCATED_WRONG_VALUE_FOR_FIELD ||
           code == CHECK_VIOLATED || strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
           strncmp(state, "45", 2) == 0;
}

static int execute(struct status_maria *store, const struct status *rows, size_t count)
{
    struct maria *maria = &store->maria;
    unsigned array_size = count > 1 ? (unsigned)count : 0;
    maria->again = false;
    maria->code = 0;
    for (size_t i = 0; i < count; i++)
        store->rows[i] = row_of(&rows[i]);
    if (mysql_stmt_attr_set(store->statement, STMT_ATTR_ARRAY_SIZE, &array_size) == 0 &&
        bind_rows(store) == 0 && mysql_stmt_execute(store->statement) == 0)
        return 0;
    store->values_refused =
        is_about_values(mysql_stmt_errno(store->statement), mysql_stmt_sqlstate(store->statement));
    return maria_fail_statement(maria, store->statement);
}

/* A node that another one's rows came before fails like an editor that another one was in the way of. */
static int execute_until_done(struct status_maria *store, const struct status *rows, size_t count)
{
    int rc = -1;
    for (int i = 0; i < CONFLICT_TRIES && rc != 0; i++) {
        rc = execute(store, rows, count);
        if (rc != 0 && (!store->maria.again || !store->maria.mysql))
            break;
    }
    return rc;
}

static void tell_refused(struct status_maria *store, const struct status *status)
{
    const struct sockaddr_in host = {.sin_addr = {status->host.address}, .sin_port = status->host.port};
    const struct in_addr caller = {htonl(status->caller)};
    char host_text[ADDRESS_TEXT_SIZE], caller_text[INET_ADDRSTRLEN];
    address_format(&host, host_text);
    inet_ntop(AF_INET, &caller, caller_text, sizeof(caller_text));
    log_limited(&store->refused, LOG_LEVEL_WARNING,
                "left out the result of route %" PRIu32 " %" PRIu32 ", host %s, caller %s: %s",
                status->route.modid, status->route.cmdid, host_text, caller_text, store->maria.error);
}

/* Rows that are refused together are halved until the one is found that is to blame. */
static int write_batch(struct status_maria *store, const struct status *rows, size_t count,
                       struct status_written *written)
{
    size_t half = count / 2;
    if (count == 1 || store->bulk) {
        int rc = execute_until_done(store, rows, count);
        if (rc == 0)
            written->done += count;
        if (rc == 0 || !store->values_refused)
            return rc;
        if (count == 1) {
            tell_refused(store, rows);
            written->done++;
            written->refused++;
            return 0;
        }
    }
    if (write_batch(store, rows, half, written) != 0)
        return -1;
    return write_batch(store, rows + half, count - half, written);
}

static int write_rows(struct status_store *base, const struct status *rows, size_t count, int wait_ms,
                      struct status_written *written)
{
    (void)wait_ms;
    struct status_maria *store = maria_store(base);
    size_t end = count < WRITE_ROWS ? count : WRITE_ROWS;
    if (connect_and_prepare(store) != 0)
        return -1;
    while (written->done < end) {
        size_t left = end - written->done;
        if (write_batch(store, rows + written->done, left < BATCH_ROWS ? left : BATCH_ROWS, written) != 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

static int64_t column(MYSQL_ROW row, unsigned number)
{
    uint64_t value = maria_column(row, number);
    return value <= UINT32_MAX ? (int64_t)value : -1;
}

/* " AND column = id", or nothing. In a table of Lars, ids from 2^31 on are negative. */
static void narrow(char *where, size_t size, const char *name, const uint32_t *id)
{
    where[0] = '\0';
    if (id)
        snprintf(where, size, " AND %s IN (%" PRIu32 ", %" PRId64 ")", name, *id,
                 (int64_t)*id - (INT64_C(1) << 32));
}

static int list(struct status_store *base, const uint32_t *modid, const uint32_t *cmdid, status_row_fn *row,
                void *arg)
{
    struct maria *maria = &maria_store(base)->maria;
    char of_modid[64], of_cmdid[64];
    struct status status;
    bool end = false;
    narrow(of_modid, sizeof(of_modid), "modid", modid);
    narrow(of_cmdid, sizeof(of_cmdid), "cmdid", cmdid);
    if (maria_connect(maria) != 0)
        return -1;
    MYSQL_RES *rows =
        maria_stream(maria,
                     "SELECT modid & 4294967295, cmdid & 4294967295, ip, port, caller, succ_cnt,"
                     " err_cnt, ts, overload <> '0' FROM ServerCallStatus WHERE 1 = 1%s%s"
                     " ORDER BY 1, 2, 3, 4, 5",
                     of_modid, of_cmdid);
    if (!rows)
        return -1;
    for (MYSQL_ROW line; (line = mysql_fetch_row(rows));) {
        const struct status_columns columns = {
            .modid = column(line, 0),
            .cmdid = column(line, 1),
            .ip = column(line, 2),
            .port = column(line, 3),
            .caller = column(line, 4),
            .successes = column(line, 5),
            .failures = column(line, 6),
            .time = column(line, 7),
            .overloaded = column(line, 8) != 0,
        };
        end = end || (status_from_columns(&columns, &status) && row(arg, &status) != 0);
    }
    return maria_end(maria, rows);
}

static const struct status_kind kind = {
    .room = ROOM,
    .close = close_connection,
    .check = check,
    .write = write_rows,
    .list = list,
};

int status_maria_open(struct status_store **out, const char *url, char error[static STORE_ERROR_SIZE])
{
    static const struct maria_limits limits = {CONNECT_SECONDS, READ_SECONDS};
    struct status_maria *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
        return -1;
    }
    store->store = (struct status_store){.kind = &kind, .error = store->maria.error};
    if (maria_open(&store->maria, url, &limits) == 0) {
        *out = &store->store;
        return 0;
    }
    snprintf(error, STORE_ERROR_SIZE, "%s", store->maria.error);
    close_connection(&store->store);
    return -1;
}
