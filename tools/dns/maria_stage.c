/* SPDX-License-Identifier: MIT */
#include "tools/dns/maria_stage.h"

#include <errno.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/dns/maria_batch.h"

enum {
    HOST_SIZE = 65,
};

#define WITHOUT "; --one-transaction does without, and keeps other editors waiting"

/* Characters of host names, and no others: it stands in a quoted text. */
static void own_host(char host[static HOST_SIZE])
{
    if (gethostname(host, HOST_SIZE) != 0)
        snprintf(host, HOST_SIZE, "unknown");
    host[HOST_SIZE - 1] = '\0';
    for (char *at = host; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *at))
            *at = '_';
}

static int count(struct maria *maria, const char *table, uint64_t *found)
{
    return maria_number(maria, found,
                        "SELECT count(*) FROM information_schema.TABLES"
                        " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = '%s'",
                        table) < 0
               ? -1
               : 0;
}

/* The quoted comment of a table. 1: there is no such table. */
static int read_comment(struct maria *maria, const char *table, char comment[static MARIA_COMMENT_SIZE])
{
    MYSQL_RES *rows = maria_query(maria,
                                  "SELECT TABLE_COMMENT FROM information_schema.TABLES"
                                  " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = '%s'",
                                  table);
    if (!rows)
        return -1;
    MYSQL_ROW row = mysql_fetch_row(rows);
    comment[0] = '\0';
    if (row && row[0])
        mysql_real_escape_string(maria->mysql, comment, row[0], strnlen(row[0], MARIA_COMMENT_SIZE / 2));
    mysql_free_result(rows);
    return row ? 0 : 1;
}

/*
 * All columns that hold something, quoted, for the caller to free: '*' leaves invisible ones out, and those that are computed
 * take no value. NULL: it failed.
 */
static char *read_columns(struct maria *maria)
{
    char *columns = NULL;
    size_t size;
    MYSQL_RES *rows = maria_query(
        maria,
        "SELECT replace(COLUMN_NAME, '`', '``') FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'RouteData' AND EXTRA NOT LIKE '%%GENERATED%%'"
        " ORDER BY ORDINAL_POSITION");
    if (!rows)
        return NULL;
    FILE *out = open_memstream(&columns, &size);
    const char *stop = "";
    for (MYSQL_ROW row; out && (row = mysql_fetch_row(rows)); stop = ", ")
        fprintf(out, "%s`%s`", stop, row[0]);
    mysql_free_result(rows);
    if (out && fclose(out) == 0)
        return columns;
    free(columns);
    maria_fail(maria, "out of memory");
    return NULL;
}

/* Triggers and foreign keys stay with the table that they were made for. */
static int check_table(struct maria *maria)
{
    static const struct {
        const char *count, *what;
    } hindrances[] = {
        {"TRIGGERS WHERE EVENT_OBJECT_SCHEMA = database() AND EVENT_OBJECT_TABLE = 'RouteData'", "triggers"},
        {"REFERENTIAL_CONSTRAINTS WHERE (CONSTRAINT_SCHEMA = database() AND TABLE_NAME = 'RouteData')"
         " OR (UNIQUE_CONSTRAINT_SCHEMA = database() AND REFERENCED_TABLE_NAME = 'RouteData')",
         "foreign keys"},
        {"TABLES WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'RouteData' AND TABLE_TYPE = 'VIEW'",
         "a view in its place"},
        {"TABLES WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'RouteData'"
         " AND TABLE_TYPE NOT IN ('VIEW', 'BASE TABLE')",
         "a history of its rows"},
    };
    for (size_t i = 0; i < sizeof(hindrances) / sizeof(*hindrances); i++) {
        uint64_t found = 0;
        if (maria_number(maria, &found, "SELECT count(*) FROM information_schema.%s", hindrances[i].count) <
            0)
            return -1;
        if (found > 0)
            return maria_fail(
                maria,
                "%s: so large an edit is made in a table that takes the place of RouteData, which "
                "has %s that would be lost" WITHOUT,
                maria->name, hindrances[i].what);
    }
    if (!mariadb_connection(maria->mysql)) /* it may hide triggers */
        return maria_fail(maria,
                          "%s is no MariaDB: so large an edit is made in a table that takes the place of "
                          "RouteData only there" WITHOUT,
                          maria->name);
    return 0;
}

static int check_old(struct maria *maria)
{
    uint64_t found = 0;
    if (count(maria, MARIA_STAGE_OLD, &found) != 0)
        return -1;
    if (found == 0)
        return 0;
    return maria_fail(
        maria,
        "%s: an import has died after it had put its table in the place of RouteData, or is about "
        "to end: if it died, edits that others made in the seconds before are only in " MARIA_STAGE_OLD
        "; DROP TABLE " MARIA_STAGE_OLD " when you need it no more",
        maria->name);
}

/* Whether RouteData_next is of an import that has died on this machine, or of this process. */
static bool is_dead(const char *comment, const char *host)
{
    int process = 0;
    char of[HOST_SIZE] = "";
    if (sscanf(comment, "larshm-dns: import by process %d on %64s", &process, of) != 2 ||
        strcmp(of, host) != 0 || process <= 0)
        return false;
    return process == getpid() || (kill(process, 0) != 0 && errno == ESRCH);
}

/* What a dead import has left is dropped. */
static int check_next(struct maria *maria, const char *host)
{
    char comment[MARIA_COMMENT_SIZE];
    int rc = read_comment(maria, MARIA_STAGE_NEXT, comment);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (is_dead(comment, host))
        return maria_run(maria, "DROP TABLE " MARIA_STAGE_NEXT) < 0 ? -1 : 0;
    maria_fail(maria,
               "%s: table " MARIA_STAGE_NEXT
               " is there (%.150s): another import is at work; if it has died, DROP "
               "TABLE " MARIA_STAGE_NEXT,
               maria->name, *comment ? comment : "its comment does not say whose");
    return -1;
}

/* The rights that the switch needs, as far as they can be tried. */
static int try_rename(struct maria *maria)
{
    return maria_run(maria, "RENAME TABLE " MARIA_STAGE_NEXT " TO " MARIA_STAGE_OLD ", " MARIA_STAGE_OLD
                            " TO " MARIA_STAGE_NEXT) < 0
               ? -1
               : 0;
}

static int set_comment(struct maria *maria, const char *quoted)
{
    return maria_run(maria, "ALTER TABLE " MARIA_STAGE_NEXT " COMMENT = '%s'", quoted) < 0 ? -1 : 0;
}

static int create(struct maria_stage *stage)
{
    struct maria *maria = stage->maria;
    if (maria_run(maria, "CREATE TABLE " MARIA_STAGE_NEXT " LIKE RouteData") < 0)
        return -1;
    stage->made = true;
    if (set_comment(maria, stage->comment) == 0 && try_rename(maria) == 0)
        return 0;
    maria_stage_cancel(stage);
    return -1;
}

static int name_rights(struct maria *maria)
{
    char error[STORE_ERROR_SIZE];
    if (maria->code != ER_TABLEACCESS_DENIED_ERROR && maria->code != ER_DBACCESS_DENIED_ERROR)
        return -1;
    snprintf(error, sizeof(error), "%.250s", maria->error);
    return maria_fail(
        maria,
        "%s; so large an edit is made in a table that takes the place of RouteData: GRANT CREATE, "
        "ALTER, DROP on the database" WITHOUT,
        error);
}

int maria_stage_begin(struct maria_stage *stage)
{
    struct maria *maria = stage->maria;
    char host[HOST_SIZE];
    own_host(host);
    snprintf(stage->comment, sizeof(stage->comment), "larshm-dns: import by process %d on %s since %lld",
             (int)getpid(), host, (long long)time(NULL));
    if (check_table(maria) != 0 || check_old(maria) != 0 || check_next(maria, host) != 0 ||
        read_comment(maria, "RouteData", stage->original) < 0)
        return -1;
    return create(stage) == 0 ? 0 : name_rights(maria);
}

static int copy_rows(struct maria_stage *stage, const char *columns)
{
    struct maria *maria = stage->maria;
    for (uint64_t from = 0, to;; from = to) {
        int rc = maria_number(maria, &to,
                              "SELECT max(id) FROM (SELECT id FROM RouteData WHERE id > %" PRIu64
                              " ORDER BY id LIMIT %d) AS piece",
                              from, BATCH_ROWS);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        uint64_t begun = batch_now();
        int64_t rows = maria_run(maria,
                                 "INSERT INTO " MARIA_STAGE_NEXT
                                 " (%s) SELECT %s FROM RouteData WHERE id > %" PRIu64 " AND id <= %" PRIu64,
                                 columns, columns, from, to);
        if (rows < 0)
            return -1;
        batch_rest(maria, begun);
        stage->rows += (uint64_t)rows;
        if (stage->progress)
            stage->progress(stage->rows);
    }
}

int maria_stage_copy(struct maria_stage *stage)
{
    char *columns = read_columns(stage->maria);
    int rc = columns ? copy_rows(stage, columns) : -1;
    free(columns);
    return rc;
}

/* It may have been dropped, and another one made. */
static int check_own(struct maria_stage *stage)
{
    char comment[MARIA_COMMENT_SIZE];
    int rc = read_comment(stage->maria, MARIA_STAGE_NEXT, comment);
    if (rc < 0 || (rc == 0 && strcmp(comment, stage->comment) == 0))
        return rc;
    stage->made = false;
    return maria_fail(stage->maria, "%s: table " MARIA_STAGE_NEXT " of this import was dropped",
                      stage->maria->name);
}

/* Whether the switch was made that was not answered. */
static int find_out(struct maria *maria)
{
    char error[STORE_ERROR_SIZE];
    uint64_t next = 0;
    snprintf(error, sizeof(error), "%s", maria->error);
    if (maria_connect(maria) != 0 || count(maria, MARIA_STAGE_NEXT, &next) != 0)
        return -1;
    if (next == 0)
        return 0;
    maria->again = true;
    return maria_fail(maria, "%s", error);
}

/*
 * Who waits for a table keeps all others waiting that come later, so this does not wait. A cluster ends the transactions
 * that are in the way, and every node of it must be told the same.
 */
static int rename_tables(struct maria *maria)
{
    if (maria_run(maria,
                  "RENAME TABLE RouteData %s TO " MARIA_STAGE_OLD ", " MARIA_STAGE_NEXT " TO RouteData",
                  maria->cluster ? "" : "NOWAIT") >= 0)
        return 0;
    if (!maria->mysql)
        return find_out(maria);
    return maria->code == ER_LOCK_WAIT_TIMEOUT ? 1 : name_rights(maria);
}

int maria_stage_switch(struct maria_stage *stage)
{
    struct maria *maria = stage->maria;
    if (check_own(stage) != 0 || set_comment(maria, stage->original) != 0)
        return -1;
    int rc = rename_tables(maria);
    if (rc == 1 && set_comment(maria, stage->comment) != 0)
        return -1;
    return rc;
}

int maria_stage_end(struct maria_stage *stage)
{
    return maria_run(stage->maria, "DROP TABLE " MARIA_STAGE_OLD) < 0 ? -1 : 0;
}

void maria_stage_cancel(struct maria_stage *stage)
{
    struct maria *maria = stage->maria;
    if (maria->mysql && stage->made)
        mysql_query(maria->mysql, "DROP TABLE IF EXISTS " MARIA_STAGE_NEXT);
}
