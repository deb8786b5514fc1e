/* SPDX-License-Identifier: MIT */
/* Hands on to the kind of database that the store is in. Edits are in store_edit.c. */
#include "tools/dns/store.h"

#include <stdarg.h>
#include <stdio.h>

#include "tools/dns/store_kind.h"
#include "tools/dns/store_sqlite.h"

int store_open(struct store **out, const char *db, enum store_mode mode, char error[static STORE_ERROR_SIZE])
{
    return store_sqlite_open(out, db, mode, error);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    edit_clear(&store->edit);
    store->kind->close(store);
}

const char *store_error(const struct store *store)
{
    return store->error;
}

int store_fail(struct store *store, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(store->error, STORE_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return -1;
}

int store_read(struct store *store, struct route_key key, struct host_addr *hosts, size_t cap, size_t *count)
{
    return store->kind->read(store, key, hosts, cap, count);
}

int store_list(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
               void *arg)
{
    return store->kind->list(store, modid, cmdid, row, arg);
}

int store_measure(struct store *store, struct store_size *size)
{
    return store->kind->measure(store, size);
}

int store_begin_reading(struct store *store)
{
    return store->kind->begin_reading(store);
}

void store_end_reading(struct store *store)
{
    store->kind->end_reading(store);
}

int store_poll(struct store *store, store_changed_fn *changed, void *arg)
{
    return store->kind->poll(store, changed, arg);
}

void store_edited_path(const struct store *store, char path[static STORE_PATH_SIZE])
{
    store->kind->edited_path(store, path);
}

int store_follow(struct store *store)
{
    return store->kind->follow(store);
}

int store_clean(struct store *store)
{
    return store->kind->clean(store);
}

int store_log(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_log_row_fn *row,
              void *arg)
{
    const struct log_filter filter = {.modid_min = modid ? *modid : 0,
                                      .modid_max = modid ? *modid : UINT32_MAX,
                                      .cmdid_min = cmdid ? *cmdid : 0,
                                      .cmdid_max = cmdid ? *cmdid : UINT32_MAX};
    return store->kind->log(store, &filter, row, arg);
}
