/* SPDX-License-Identifier: MIT */
#include "tools/dns/maria_schema.h"

#include <stdio.h>

#define ID_COLUMNS  "modid INT UNSIGNED NOT NULL, cmdid INT UNSIGNED NOT NULL, "
#define ROUTE_INDEX "RouteData_key"

const char maria_schema_log[] =
    "CREATE TABLE IF NOT EXISTS RouteEdit (id BIGINT NOT NULL, " ID_COLUMNS
    "time BIGINT NOT NULL, user VARCHAR(64) NOT NULL, `before` MEDIUMTEXT NOT NULL, `after` MEDIUMTEXT NOT NULL,"
    " PRIMARY KEY (id, modid, cmdid)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4";

static const struct {
    const char *name, *create;
} tables[] = {
    {"RouteData",
     "CREATE TABLE IF NOT EXISTS RouteData (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, " ID_COLUMNS
     "serverip INT UNSIGNED NOT NULL, serverport INT UNSIGNED NOT NULL,"
     " KEY " ROUTE_INDEX " (modid, cmdid)) ENGINE = InnoDB"},
    {"RouteVersion",
     "CREATE TABLE IF NOT EXISTS RouteVersion (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,"
     " version INT UNSIGNED NOT NULL) ENGINE = InnoDB"},
    {"RouteChange",
     "CREATE TABLE IF NOT EXISTS RouteChange (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, " ID_COLUMNS
     "version BIGINT UNSIGNED NOT NULL) ENGINE = InnoDB"},
    {"ServerCallStatus",
     "CREATE TABLE IF NOT EXISTS ServerCallStatus (modid INT NOT NULL, cmdid INT NOT NULL, ip INT UNSIGNED NOT NULL,"
     " port INT UNSIGNED NOT NULL, caller INT UNSIGNED NOT NULL, succ_cnt INT NOT NULL, err_cnt INT NOT NULL,"
     " ts BIGINT NOT NULL, overload CHAR(1) NOT NULL, PRIMARY KEY (modid, cmdid, ip, port, caller)) ENGINE = InnoDB"},
    {"RouteEdit", maria_schema_log},
};

struct making {
    struct maria *maria;
    maria_schema_said *said;
    void *arg;
};

static int make_table(const struct making *making, const char *name, const char *create)
{
    uint64_t there = 0;
    if (maria_number(making->maria, &there,
                     "SELECT count(*) FROM information_schema.TABLES"
                     " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = '%s'",
                     name) < 0)
        return -1;
    if (there)
        return 0;
    if (maria_run(making->maria, "%s", create) < 0)
        return -1;
    char what[64];
    snprintf(what, sizeof(what), "table %s", name);
    making->said(making->arg, true, what);
    return 0;
}

/* A node of a cluster gives the first row another id than 1, and Lars asks for 1. */
static int make_version(const struct making *making)
{
    uint64_t version;
    int rc = maria_number(making->maria, &version, "SELECT version FROM RouteVersion WHERE id = 1");
    if (rc <= 0)
        return rc;
    int64_t changed =
        maria_run(making->maria, "UPDATE RouteVersion SET id = 1 ORDER BY version DESC LIMIT 1");
    if (changed == 0)
        changed = maria_run(making->maria, "INSERT INTO RouteVersion (id, version) VALUES (1, 0)");
    if (changed < 0)
        return -1;
    making->said(making->arg, true, "the row of RouteVersion with id 1");
    return 0;
}

int maria_schema_has_index(struct maria *maria, bool *indexed)
{
    uint64_t columns = 0;
    if (maria_number(maria, &columns,
                     "SELECT max(found) FROM (SELECT count(*) AS found FROM information_schema.STATISTICS"
                     " WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'RouteData'"
                     " AND ((SEQ_IN_INDEX = 1 AND COLUMN_NAME = 'modid')"
                     " OR (SEQ_IN_INDEX = 2 AND COLUMN_NAME = 'cmdid')) GROUP BY INDEX_NAME) AS indexes") < 0)
        return -1;
    *indexed = columns == 2;
    return 0;
}

/* Without it everything works, and takes longer. */
static int make_index(const struct making *making)
{
    char what[STORE_ERROR_SIZE + 64];
    bool indexed;
    if (maria_schema_has_index(making->maria, &indexed) != 0)
        return -1;
    if (indexed)
        return 0;
    bool made = maria_run(making->maria, "CREATE INDEX " ROUTE_INDEX " ON RouteData (modid, cmdid)") >= 0;
    snprintf(what, sizeof(what), "index " ROUTE_INDEX " on RouteData (modid, cmdid)%s%s", made ? "" : ": ",
             made ? "" : making->maria->error);
    making->said(making->arg, made, what);
    return 0;
}

int maria_schema_make(struct maria *maria, maria_schema_said *said, void *arg)
{
    const struct making making = {maria, said, arg};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        if (make_table(&making, tables[i].name, tables[i].create) != 0)
            return -1;
    return make_version(&making) != 0 || make_index(&making) != 0 ? -1 : 0;
}
