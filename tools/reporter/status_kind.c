/* SPDX-License-Identifier: MIT */
/* What status_store.h declares: hands on to the kind. */
#include "tools/reporter/status_kind.h"

#include "tools/common/maria_url.h"

int status_store_open(struct status_store **out, const char *db, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE])
{
    return maria_url_is(db) ? status_maria_open(out, db, error) : status_sqlite_open(out, db, mode, error);
}

void status_store_close(struct status_store *store)
{
    if (store)
        store->kind->close(store);
}

const char *status_store_error(const struct status_store *store)
{
    return store->error;
}

int status_store_check(struct status_store *store)
{
    return store->kind->check ? store->kind->check(store) : 0;
}

size_t status_store_room(const struct status_store *store)
{
    return store->kind->room;
}

int status_store_follow(struct status_store *store)
{
    return store->kind->follow ? store->kind->follow(store) : 0;
}

int status_store_write(struct status_store *store, const struct status *rows, size_t count, int wait_ms,
                       struct status_written *written)
{
    *written = (struct status_written){0};
    return store->kind->write(store, rows, count, wait_ms, written);
}

int status_store_list(struct status_store *store, const uint32_t *modid, const uint32_t *cmdid,
                      status_row_fn *row, void *arg)
{
    return store->kind->list(store, modid, cmdid, row, arg);
}

static bool is_id(int64_t value, int64_t min)
{
    return value >= min && value <= UINT32_MAX;
}

bool status_from_columns(const struct status_columns *columns, struct status *status)
{
    if (!is_id(columns->modid, 0) || !is_id(columns->cmdid, 0) || !is_id(columns->ip, 1) ||
        columns->port < 1 || columns->port > UINT16_MAX || !is_id(columns->caller, 0) ||
        !is_id(columns->successes, 0) || !is_id(columns->failures, 0) || !is_id(columns->time, 0))
        return false;
    *status = (struct status){
        .route = {(uint32_t)columns->modid, (uint32_t)columns->cmdid},
        .host = {htonl((uint32_t)columns->ip), htons((uint16_t)columns->port)},
        .caller = (uint32_t)columns->caller,
        .successes = (uint32_t)columns->successes,
        .failures = (uint32_t)columns->failures,
        .overloaded = columns->overloaded,
        .time = (uint32_t)columns->time,
    };
    return true;
}
