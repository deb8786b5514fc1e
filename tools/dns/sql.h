/* SPDX-License-Identifier: MIT */
/* The schema that all stores share, and every word of SQL that the store of routes says. */
#ifndef DNS_SQL_H
#define DNS_SQL_H

enum {
    SCHEMA_VERSION = 1, /* PRAGMA user_version of a file that sql_schema has been run on */
};

/* Makes the tables of Lars in an empty file. */
extern const char sql_schema[];

enum statement {
    READ,
    LIST,
    MEASURE,
    DATA_VERSION,
    CHANGES,
    CLEAN_CHECK,
    CLEAN,
    BEGIN,
    COMMIT,
    ROLLBACK,
    VERSION,
    SET_VERSION,
    ADD_CHANGE,
    ADD_HOST,
    DELETE_HOST,
    DELETE_ROUTE,
    STATEMENTS
};

extern const char *const sql_statements[STATEMENTS];

#endif
