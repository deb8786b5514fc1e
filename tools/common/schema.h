/* SPDX-License-Identifier: MIT */
/* The tables of Lars, which all stores share. */
#ifndef TOOLS_COMMON_SCHEMA_H
#define TOOLS_COMMON_SCHEMA_H

enum {
    SCHEMA_VERSION = 1, /* PRAGMA user_version of a file that sql_schema has been run on */
};

/* The index without which no edit is possible, as CREATE UNIQUE INDEX names it. */
#define SCHEMA_ROUTE_INDEX    "RouteData_host"
#define SCHEMA_ROUTE_INDEX_ON SCHEMA_ROUTE_INDEX " ON RouteData (modid, cmdid, serverip, serverport)"

/* Makes the tables in an empty file. */
extern const char sql_schema[];

#endif
