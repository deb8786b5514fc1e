/* SPDX-License-Identifier: MIT */
/* A database in a directory of its own, and a plain SQLite handle on it, as another program has it. */
#ifndef TESTS_SUPPORT_DATABASE_FILE_H
#define TESTS_SUPPORT_DATABASE_FILE_H

#include <sqlite3.h>
#include <stdint.h>

struct database_file {
    char directory[32], path[64];
    char log[64]; /* room for the log of a program that works on it */
    sqlite3 *sql;
};

/* Makes the directory. */
void database_file_init(struct database_file *file);

/* Opens the database, which is made where there is none. */
void database_file_open(struct database_file *file);

/* Removes all of it. */
void database_file_dispose(struct database_file *file);

void run_sql(const struct database_file *file, const char *sql);

/* The number that the query gives. */
int64_t ask_sql(const struct database_file *file, const char *sql);

#endif
