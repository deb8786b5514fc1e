/* SPDX-License-Identifier: MIT */
/* What store.h declares: hands on to the kind. Opening is in store_open.c, edits are in store_edit.c. */
#include "tools/dns/store_kind.h"

#include <stdarg.h>
#include <stdio.h>

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

const char *store_unlogged(const struct store *store)
{
    return store->unlogged;
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

int store_load(struct store *store)
{
    return store->kind->load ? store->kind->load(store) : 0;
}

int store_watch(struct store *store, store_wake_fn *wake, void *arg)
{
    return store->kind->watch ? store->kind->watch(store, wake, arg) : 0;
}

void store_unwatch(struct store *store)
{
    if (store->kind->unwatch)
        store->kind->unwatch(store);
}

const char *store_slow(const struct store *store)
{
    return store->slow;
}

int store_begin_reading(struct store *store)
{
    return store->kind->begin_reading(store);
}

void store_end_reading(struct store *store)
{
    store->kind->end_reading(store);
}

bool store_version(const struct store *store, uint64_t *version)
{
    return store->kind->version && store->kind->version(store, version);
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
