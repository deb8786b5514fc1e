/* SPDX-License-Identifier: MIT */
/*
 * What a kind of database does for the store, in its own struct that begins with a struct store. Functions are as in
 * store.h where nothing else is said: they return -1 after a failure, with store->error set.
 */
#ifndef TOOLS_DNS_STORE_KIND_H
#define TOOLS_DNS_STORE_KIND_H

#include "tools/dns/edit.h"
#include "tools/dns/store.h"

/* Which rows of the log: of one edit or, with 0, of all; and of these keys. */
struct log_filter {
    int64_t edit;
    uint32_t modid_min, modid_max, cmdid_min, cmdid_max;
};

struct store_kind {
    void (*close)(struct store *store);

    int (*read)(struct store *store, struct route_key key, struct host_addr *hosts, size_t cap,
                size_t *count);
    int (*list)(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
                void *arg);
    int (*measure)(struct store *store, struct store_size *size);

    /* NULL: there is nothing to do. */
    int (*load)(struct store *store);
    int (*watch)(struct store *store, store_wake_fn *wake, void *arg);
    void (*unwatch)(struct store *store);

    int (*begin_reading)(struct store *store);
    void (*end_reading)(struct store *store);
    int (*poll)(struct store *store, store_changed_fn *changed, void *arg);
    bool (*version)(const struct store *store, uint64_t *version); /* NULL: it is not known */
    void (*edited_path)(const struct store *store, char path[static STORE_PATH_SIZE]);
    int (*follow)(struct store *store);
    int (*clean)(struct store *store);

    /* NULL: an edit of any size is one transaction. Otherwise reads may begin for a draft of one, outside of a
     * transaction; *version is what RouteVersion had. A draft that is not committed is rolled back. */
    int (*draft)(struct store *store, uint64_t *version);
    /* Makes an edit as a whole in another way than by one transaction. */
    int (*stage)(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                 struct store_edit *done);

    /* Begins a transaction, and keeps other editors out of it. *version is what RouteVersion has. */
    int (*begin)(struct store *store, uint64_t *version);
    /* Writes all of an edit, with the version that it makes; *number is what the log calls it, 0: it has no log. */
    int (*write)(struct store *store, const struct changes *changes, uint64_t version, int64_t *number);
    int (*commit)(struct store *store);
    void (*rollback)(struct store *store);

    /* In the order of edit and key; `row` may read the store. */
    int (*log)(struct store *store, const struct log_filter *filter, store_log_row_fn *row, void *arg);
};

struct store {
    const struct store_kind *kind;
    char *error;          /* [STORE_ERROR_SIZE], the kind's */
    const bool *again;    /* the failure may be over when the edit is made once more; NULL: it never is */
    const char *unlogged; /* why edits are not in the log; NULL: they are */
    const char *slow;     /* why following takes longer than it need; or NULL */

    struct edit edit;
    uint64_t version;      /* the database's, when the edit began */
    uint64_t edit_version; /* what the edit makes it */
    bool half_made;        /* the edit that failed has changed the routes */
};

/* Sets the error. Returns -1. */
__attribute__((format(printf, 2, 3))) int store_fail(struct store *store, const char *format, ...);

#endif
