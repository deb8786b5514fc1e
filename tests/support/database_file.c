/* SPDX-License-Identifier: MIT */
#include "tests/support/database_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/eventually.h"

void database_file_init(struct database_file *file)
{
    *file = (struct database_file){.directory = "/tmp/larshm-database-XXXXXX"};
    assert_non_null(mkdtemp(file->directory));
    snprintf(file->path, sizeof(file->path), "%s/routes.db", file->directory);
    snprintf(file->log, sizeof(file->log), "%s/log", file->directory);
}

void database_file_open(struct database_file *file)
{
    assert_int_equal(sqlite3_open(file->path, &file->sql), SQLITE_OK);
    sqlite3_busy_timeout(file->sql, EVENTUALLY_MS);
}

void database_file_dispose(struct database_file *file)
{
    static const char *const names[] = {"routes.db", "routes.db-wal", "routes.db-shm", "log"};
    sqlite3_close(file->sql);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s/%s", file->directory, names[i]);
        unlink(path);
    }
    rmdir(file->directory);
}

void run_sql(const struct database_file *file, const char *sql)
{
    if (sqlite3_exec(file->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(file->sql));
}

int64_t ask_sql(const struct database_file *file, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(file->sql, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}
