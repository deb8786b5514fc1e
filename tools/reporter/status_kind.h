/* SPDX-License-Identifier: MIT */
/*
 * What a kind of database does for the store, in its own struct that begins with a struct status_store. Functions are as in
 * status_store.h.
 */
#ifndef TOOLS_REPORTER_STATUS_KIND_H
#define TOOLS_REPORTER_STATUS_KIND_H

#include "tools/reporter/status_store.h"

struct status_kind {
    size_t room;
    void (*close)(struct status_store *store);
    /* NULL: there is nothing to do. */
    int (*check)(struct status_store *store);
    int (*follow)(struct status_store *store);
    int (*write)(struct status_store *store, const struct status *rows, size_t count, int wait_ms,
                 struct status_written *written);
    int (*list)(struct status_store *store, const uint32_t *modid, const uint32_t *cmdid, status_row_fn *row,
                void *arg);
};

struct status_store {
    const struct status_kind *kind;
    const char *error; /* the kind's */
};

/* On failure `error` says why, and *out is untouched. */
int status_sqlite_open(struct status_store **out, const char *path, enum store_mode mode,
                       char error[static STORE_ERROR_SIZE]);
int status_maria_open(struct status_store **out, const char *url, char error[static STORE_ERROR_SIZE]);

/* A row as it was read. False: no caller can have reported it, another program may have written anything. */
struct status_columns {
    int64_t modid, cmdid, ip, port, caller, successes, failures, time;
    bool overloaded;
};
bool status_from_columns(const struct status_columns *columns, struct status *status);

#endif
