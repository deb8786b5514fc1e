/* SPDX-License-Identifier: MIT */
/* What reading and editing share of the store in a MariaDB database. */
#ifndef TOOLS_DNS_STORE_MARIA_INTERNAL_H
#define TOOLS_DNS_STORE_MARIA_INTERNAL_H

#include "tools/dns/maria_routes.h"
#include "tools/dns/replica.h"
#include "tools/dns/store_kind.h"

struct store_maria {
    struct store store;
    struct maria maria;
    struct replica *replica; /* once it is loaded, and has the connection for itself */
    char error[STORE_ERROR_SIZE];

    bool editing;     /* within a transaction, or a draft of one */
    size_t reads;     /* of single routes by the edit */
    struct table all; /* all rows, once it has read many routes; or empty */
    bool log_checked; /* whether there is a RouteEdit to write to; if not, store.unlogged says why */
    char unlogged[STORE_ERROR_SIZE];
};

static inline struct store_maria *maria_store(struct store *store)
{
    return (struct store_maria *)store;
}

/* Parts of what store_maria_write() does; doing the latter twice does no harm. */
int store_maria_announce(struct maria *maria, const struct changes *changes, uint64_t version);
int store_maria_log_routes(struct maria *maria, const struct changes *changes, int64_t edit);

/* As in struct store_kind. */
int store_maria_draft(struct store *store, uint64_t *version);
int store_maria_stage(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                      struct store_edit *done);
int store_maria_begin(struct store *store, uint64_t *version);
int store_maria_write(struct store *store, const struct changes *changes, uint64_t version, int64_t *number);
int store_maria_commit(struct store *store);
void store_maria_rollback(struct store *store);
int store_maria_log(struct store *store, const struct log_filter *filter, store_log_row_fn *row, void *arg);

#endif
