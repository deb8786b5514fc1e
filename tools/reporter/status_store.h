/* SPDX-License-Identifier: MIT */
/*
 * ServerCallStatus, the table of call results, in a SQLite file or a MariaDB database. A store is used by one thread at a
 * time.
 *
 * Functions that can fail return -1 and status_store_error() says why.
 */
#ifndef TOOLS_REPORTER_STATUS_STORE_H
#define TOOLS_REPORTER_STATUS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/common/store_mode.h"
#include "tools/reporter/status.h"

struct status_store;

/* Opens and checks the database. On failure, `error` says why and what to do, and *out is untouched. */
int status_store_open(struct status_store **out, const char *db, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE]);
void status_store_close(struct status_store *store);
const char *status_store_error(const struct status_store *store);

/* Fails if results cannot be written there, as far as it is seen without any. */
int status_store_check(struct status_store *store);

/* So many results may wait for this database. */
size_t status_store_room(const struct status_store *store);

/* Goes over to another file at the path, as database_follow() says, and returns what that does. */
int status_store_follow(struct status_store *store);

struct status_written {
    size_t done;    /* rows from the first on that are written, or refused */
    size_t refused; /* of them: what the database does not take, which the log says */
};

/*
 * Writes rows, at least one, with different keys, best in the order of the table, see kept_sort(). It need not be all
 * of them: those that are not done when it returns, also after a failure, are to be given again. Waits so long for
 * another process's edit.
 */
int status_store_write(struct status_store *store, const struct status *rows, size_t count, int wait_ms,
                       struct status_written *written);

/* Calls `row` for each stored status, in order of key; NULL ids mean any. A non-zero result of `row` ends it. */
typedef int status_row_fn(void *arg, const struct status *status);
int status_store_list(struct status_store *store, const uint32_t *modid, const uint32_t *cmdid,
                      status_row_fn *row, void *arg);

#endif
