/* SPDX-License-Identifier: MIT */
/* What reading and editing share of the store in one SQLite file. */
#ifndef TOOLS_DNS_STORE_INTERNAL_H
#define TOOLS_DNS_STORE_INTERNAL_H

#include "tools/common/database.h"
#include "tools/dns/edit_log.h"
#include "tools/dns/sql.h"
#include "tools/dns/store.h"

struct store {
    struct database db;

    int64_t data_version;   /* SQLite's stamp of the file at the last poll */
    int64_t handled;        /* RouteChange.id up to which each row was handled */
    int64_t seen;           /* the highest RouteChange.id that a poll read */
    int64_t polled_version; /* RouteVersion at the last poll */

    bool reading; /* between store_begin_reading() and store_end_reading() */

    struct edit_log log;  /* of the edit under way */
    uint64_t keys;        /* that it has changed */
    int64_t version;      /* the store's, when the edit began */
    int64_t edit_version; /* what the edit makes it */
};

#define BIND(store, which, ...) DATABASE_BIND(&(store)->db, which, __VA_ARGS__)

#endif
