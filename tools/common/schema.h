/* SPDX-License-Identifier: MIT */
/* The tables of Lars, which all stores share. */
#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H

enum {
    SCHEMA_VERSION = 1, /* PRAGMA user_version of a file that sql_schema has been run on */
};

/* Makes the tables in an empty file. */
extern const char sql_schema[];

#endif
