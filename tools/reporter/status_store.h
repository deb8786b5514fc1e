/* SPDX-License-Identifier: MIT */
/*
 * ServerCallStatus, the table of call results. What comes in is kept in memory, the newest status of each key, until a
 * commit writes all of it in one transaction: many reports cost one write, and a database that cannot be written
 * for a while loses nothing as long as there is room.
 *
 * Functions that can fail return -1 and status_store_error() says why.
 */
#ifndef TOOLS_REPORTER_STATUS_STORE_H
#define TOOLS_REPORTER_STATUS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/common/store_mode.h"
#include "tools/reporter/status.h"

enum {
    STATUS_KEPT_MAX = 1 << 17, /* keys; some 10 MB */
};

struct status_store;

/* Opens and checks the database. On failure, `error` says why and what to do, and *out is untouched. */
int status_store_open(struct status_store **out, const char *path, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE]);
/* What is kept is lost. */
void status_store_close(struct status_store *store);
const char *status_store_error(const struct status_store *store);

/* Goes over to another file at the path, as database_follow() says, and returns what that does. What is kept stays. */
int status_store_follow(struct status_store *store);

/* Keeps a status until the next commit. Fails for a new key when STATUS_KEPT_MAX are kept. */
int status_store_keep(struct status_store *store, const struct status *status);
size_t status_store_kept(const struct status_store *store);

/* Writes what is kept, all of it or nothing; then it is kept on. Waits so long for another process's edit. */
int status_store_commit(struct status_store *store, int wait_ms);

/* Calls `row` for each stored status, in order of key; NULL ids mean any. A non-zero result of `row` ends it. */
typedef int status_row_fn(void *arg, const struct status *status);
int status_store_list(struct status_store *store, const uint32_t *modid, const uint32_t *cmdid,
                      status_row_fn *row, void *arg);

#endif
