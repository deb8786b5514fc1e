/* SPDX-License-Identifier: MIT */
#include "tools/dns/sql.h"

#define ID_COLUMNS                                                                                           \
    "modid INTEGER NOT NULL CHECK (modid BETWEEN 0 AND 4294967295), "                                        \
    "cmdid INTEGER NOT NULL CHECK (cmdid BETWEEN 0 AND 4294967295), "

/* RouteChange is AUTOINCREMENT: an id that was handled must never come again for another row. */
const char sql_schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS RouteData (id INTEGER PRIMARY KEY, " ID_COLUMNS
    " serverip INTEGER NOT NULL CHECK (serverip BETWEEN 1 AND 4294967295),"
    " serverport INTEGER NOT NULL CHECK (serverport BETWEEN 1 AND 65535)) STRICT;"
    "CREATE UNIQUE INDEX IF NOT EXISTS RouteData_host ON RouteData (modid, cmdid, serverip, serverport);"
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

#define OLD_CHANGES                                                                                          \
    "SELECT id FROM RouteChange WHERE version < ?1 AND id <= ?2"                                             \
    " AND version <= (SELECT version FROM RouteVersion WHERE id = 1) "

const char *const sql_statements[STATEMENTS] = {
    [READ] = "SELECT serverip, serverport FROM RouteData WHERE modid = ?1 AND cmdid = ?2"
             " ORDER BY serverip, serverport",
    [LIST] = "SELECT modid, cmdid, serverip, serverport FROM RouteData"
             " WHERE modid BETWEEN ?1 AND ?2 AND cmdid BETWEEN ?3 AND ?4"
             " ORDER BY modid, cmdid, serverip, serverport",
    [MEASURE] = "SELECT (SELECT count(*) FROM (SELECT DISTINCT modid, cmdid FROM RouteData)),"
                " (SELECT count(*) FROM RouteData)",
    [DATA_VERSION] = "PRAGMA data_version",
    [CHANGES] = "SELECT c.id, c.modid, c.cmdid, c.version <= v.version FROM RouteChange c, RouteVersion v"
                " WHERE v.id = 1 AND c.id > ?1 ORDER BY c.id",
    [CLEAN_CHECK] = OLD_CHANGES "LIMIT 1",
    [CLEAN] = "DELETE FROM RouteChange WHERE id IN (" OLD_CHANGES "LIMIT ?3)",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [VERSION] = "SELECT version FROM RouteVersion WHERE id = 1",
    [SET_VERSION] = "INSERT INTO RouteVersion (id, version) VALUES (1, ?1)"
                    " ON CONFLICT (id) DO UPDATE SET version = excluded.version",
    [ADD_CHANGE] = "INSERT INTO RouteChange (modid, cmdid, version) VALUES (?1, ?2, ?3)",
    [ADD_HOST] = "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (?1, ?2, ?3, ?4)"
                 " ON CONFLICT (modid, cmdid, serverip, serverport) DO NOTHING",
    [DELETE_HOST] = "DELETE FROM RouteData WHERE modid = ?1 AND cmdid = ?2"
                    " AND serverip = ?3 AND serverport = ?4",
    [DELETE_ROUTE] = "DELETE FROM RouteData WHERE modid = ?1 AND cmdid = ?2",
};
