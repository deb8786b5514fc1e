/* SPDX-License-Identifier: MIT */
/* What reading and editing share of the store in one SQLite file. */
#ifndef TOOLS_DNS_STORE_SQLITE_INTERNAL_H
#define TOOLS_DNS_STORE_SQLITE_INTERNAL_H

#include "tools/common/database.h"
#include "tools/dns/sql.h"
#include "tools/dns/store_kind.h"

struct store_sqlite {
    struct store store;
    struct database db;

    int64_t data_version;   /* SQLite's stamp of the file at the last poll */
    int64_t handled;        /* RouteChange.id up to which each row was handled */
    int64_t seen;           /* the highest RouteChange.id that a poll read */
    int64_t polled_version; /* RouteVersion at the last poll */

    bool reading; /* between store_begin_reading() and store_end_reading() */
};

static inline struct database *sqlite_of(struct store *store)
{
    return &((struct store_sqlite *)store)->db;
}

/* As in struct store_kind. */
int store_sqlite_begin(struct store *store, uint64_t *version);
int store_sqlite_write(struct store *store, const struct changes *changes, uint64_t version, int64_t *number);
int store_sqlite_commit(struct store *store);
void store_sqlite_rollback(struct store *store);
int store_sqlite_log(struct store *store, const struct log_filter *filter, store_log_row_fn *row, void *arg);

#endif
