/* SPDX-License-Identifier: MIT */
/* Every SQL statement of the store of routes. */
#ifndef TOOLS_DNS_SQL_H
#define TOOLS_DNS_SQL_H

enum statement {
    READ,
    LIST,
    MEASURE,
    DATA_VERSION,
    CHANGES,
    CLEAN_CHECK,
    CLEAN,
    BEGIN,
    BEGIN_READING,
    COMMIT,
    ROLLBACK,
    VERSION,
    SET_VERSION,
    ADD_CHANGE,
    ADD_HOST,
    DELETE_HOST,
    STATEMENTS
};

extern const char *const sql_statements[STATEMENTS];

#endif
