/* SPDX-License-Identifier: MIT */
#include "tools/common/schema.h"

#define ID_COLUMNS                                                                                           \
    "modid INTEGER NOT NULL CHECK (modid BETWEEN 0 AND 4294967295), "                                        \
    "cmdid INTEGER NOT NULL CHECK (cmdid BETWEEN 0 AND 4294967295), "

/* RouteChange is AUTOINCREMENT: an id that was handled must never come again for another row. */
const char sql_schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS RouteData (id INTEGER PRIMARY KEY, " ID_COLUMNS
    " serverip INTEGER NOT NULL CHECK (serverip BETWEEN 1 AND 4294967295),"
    " serverport INTEGER NOT NULL CHECK (serverport BETWEEN 1 AND 65535)) STRICT;"
    "CREATE UNIQUE INDEX IF NOT EXISTS " SCHEMA_ROUTE_INDEX_ON ";"
    "CREATE TABLE IF NOT EXISTS RouteVersion (id INTEGER PRIMARY KEY,"
    " version INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295)) STRICT;"
    "INSERT OR IGNORE INTO RouteVersion (id, version) VALUES (1, 0);"
    "CREATE TABLE IF NOT EXISTS RouteChange (id INTEGER PRIMARY KEY AUTOINCREMENT, " ID_COLUMNS
    " version INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS RouteChange_version ON RouteChange (version);"
    "CREATE TABLE IF NOT EXISTS ServerCallStatus (modid INTEGER NOT NULL, cmdid INTEGER NOT NULL,"
    " ip INTEGER NOT NULL, port INTEGER NOT NULL, caller INTEGER NOT NULL, succ_cnt INTEGER NOT NULL,"
    " err_cnt INTEGER NOT NULL, ts INTEGER NOT NULL, overload TEXT NOT NULL,"
    " PRIMARY KEY (modid, cmdid, ip, port, caller)) STRICT;"
    "PRAGMA user_version = 1;"
    "COMMIT";
