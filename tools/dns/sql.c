/* SPDX-License-Identifier: MIT */
#include "tools/dns/sql.h"

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
    [BEGIN_READING] = "BEGIN",
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
};
