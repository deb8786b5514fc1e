/* SPDX-License-Identifier: MIT */
#include "tools/dns/maria_routes.h"

#include <inttypes.h>
#include <stdio.h>

enum column {
    MODID,
    CMDID,
    IP,
    PORT,
    COLUMNS
};

int maria_routes_check(struct maria *maria)
{
    static const char *const queries[] = {
        "SELECT id, modid, cmdid, serverip, serverport FROM RouteData LIMIT 0",
        "SELECT id, modid, cmdid, version FROM RouteChange LIMIT 0",
        "SELECT id, version FROM RouteVersion LIMIT 0",
    };
    uint64_t version;
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        MYSQL_RES *rows = maria_query(maria, "%s", queries[i]);
        if (!rows)
            return -1;
        mysql_free_result(rows);
    }
    int rc = maria_number(maria, &version, "SELECT version FROM RouteVersion WHERE id = 1");
    if (rc > 0)
        return maria_fail(maria,
                          "%s: RouteVersion of database '%s' has no row with id 1, so Lars sees no change: "
                          "'larshm-dns schema' gives it that id",
                          maria->name, maria->url.database);
    return rc;
}

bool maria_routes_row(uint64_t modid, uint64_t cmdid, uint64_t ip, uint64_t port, struct row *out)
{
    if (modid > UINT32_MAX || cmdid > UINT32_MAX || ip < 1 || ip > UINT32_MAX || port < 1 ||
        port > UINT16_MAX)
        return false;
    *out = (struct row){{(uint32_t)modid, (uint32_t)cmdid}, {htonl((uint32_t)ip), htons((uint16_t)port)}};
    return true;
}

int maria_routes_read(struct maria *maria, struct route_key key, struct table *out)
{
    struct table table = {0};
    struct row found;
    MYSQL_RES *rows = maria_query(maria,
                                  "SELECT serverip, serverport FROM RouteData"
                                  " WHERE modid = %" PRIu32 " AND cmdid = %" PRIu32,
                                  key.modid, key.cmdid);
    bool room = true;
    if (!rows)
        return -1;
    for (MYSQL_ROW row; room && (row = mysql_fetch_row(rows));)
        if (maria_routes_row(key.modid, key.cmdid, maria_column(row, 0), maria_column(row, 1), &found))
            room = table_add(&table, &found);
    mysql_free_result(rows);
    table_sort(&table);
    for (size_t i = 0; room && i < table.count; i++)
        room = table_add(out, &table.rows[i]);
    table_free(&table);
    return room ? 0 : maria_fail(maria, "out of memory");
}

/* Returns what mysql_stmt_fetch() did at the end, or -1 when memory ran out. */
static int fetch_all(MYSQL_STMT *statement, const uint64_t values[static COLUMNS],
                     const my_bool nulls[static COLUMNS], struct table *table)
{
    int rc;
    struct row row;
    while ((rc = mysql_stmt_fetch(statement)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
        if (rc != 0 || nulls[MODID] || nulls[CMDID] || nulls[IP] || nulls[PORT])
            continue;
        if (maria_routes_row(values[MODID], values[CMDID], values[IP], values[PORT], &row) &&
            !table_add(table, &row))
            return -1;
    }
    return rc;
}

/* Binary, and row by row as they come: a third of the time that texts take, and no memory for a second copy. */
static int load(struct maria *maria, const char *name, MYSQL_STMT *statement, struct table *table)
{
    char sql[128];
    uint64_t values[COLUMNS];
    my_bool nulls[COLUMNS] = {0};
    MYSQL_BIND bind[COLUMNS] = {{0}};
    for (size_t i = 0; i < COLUMNS; i++)
        bind[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &values[i], .is_null = &nulls[i], .is_unsigned = 1};
    int length = snprintf(sql, sizeof(sql), "SELECT modid, cmdid, serverip, serverport FROM %s", name);
    if (mysql_stmt_prepare(statement, sql, (unsigned long)length) != 0 ||
        mysql_stmt_execute(statement) != 0 || mysql_stmt_bind_result(statement, bind) != 0)
        return maria_fail_statement(maria, statement);
    int rc = fetch_all(statement, values, nulls, table);
    if (rc < 0)
        return maria_fail(maria, "out of memory");
    return rc == MYSQL_NO_DATA ? 0 : maria_fail_statement(maria, statement);
}

int maria_routes_load(struct maria *maria, const char *name, struct table *out)
{
    struct table table = {0};
    MYSQL_STMT *statement = maria->mysql ? mysql_stmt_init(maria->mysql) : NULL;
    if (!statement)
        return maria->mysql ? maria_fail(maria, "out of memory") : -1;
    int rc = load(maria, name, statement, &table);
    mysql_stmt_close(statement);
    if (rc != 0) {
        table_free(&table);
        return -1;
    }
    table_sort(&table);
    *out = table;
    return 0;
}
