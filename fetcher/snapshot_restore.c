/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_restore.h"

#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "fetcher/snapshot_decode.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_format.h"
#include "shm/clock.h"
#include "shm/writer/host_store.h"

struct snapshot_restore {
    struct route_source source;
    const char *path, *instance;
    uint64_t max_bytes;
    uint8_t *bytes;
    struct snapshot_decoder decoder;
};

static const char no_routes[] = "routes are not restored",
                  no_hosts[] = "not all records of hosts are restored";

/* The next snapshot takes its place, if it is this instance's to replace; if not, snapshot_new() says so. */
static void put_aside(const struct snapshot_restore *restore, const char *why, const char *lost)
{
    const char *path = restore->path;
    if (snapshot_file_in_the_way(path, restore->instance))
        return;
    int error = snapshot_file_put_aside(path);
    if (error == 0)
        log_line(LOG_LEVEL_WARNING, "%s %s: %s, and it is put aside as %s.other", path, why, lost, path);
    else
        log_line(LOG_LEVEL_WARNING,
                 "%s %s: %s, and it cannot be put aside: %s; name another file in [fetcher] snapshot", path,
                 why, lost, system_error_text(error));
}

static bool load(struct snapshot_restore *restore)
{
    char text[SNAPSHOT_FILE_TEXT_SIZE];
    size_t size;
    enum snapshot_file file =
        snapshot_file_read(restore->path, snapshot_most(restore->max_bytes), &restore->bytes, &size, text);
    if (file == SNAPSHOT_FILE_NONE)
        return false;
    const char *wrong = file == SNAPSHOT_FILE_REFUSED
                            ? text
                            : snapshot_decode_begin(&restore->decoder, restore->bytes, size,
                                                    restore->instance, clock_unix_ms(), clock_tick());
    if (wrong)
        put_aside(restore, wrong, no_routes);
    return !wrong;
}

/* Known before: newer than the snapshot. A fetcher that died here before may have left an empty record. */
static bool is_known(struct host_store *store, uint32_t number)
{
    static const struct host_entry empty;
    return number != HOST_STORE_NONE && memcmp(host_store_entry(store, number), &empty, sizeof(empty)) != 0;
}

/* False: there is no room for all of them, or the hosts object cannot be opened. */
static bool restore_hosts(struct snapshot_restore *restore)
{
    struct host_store *store;
    struct event failure;
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    struct restored_route route;
    bool all = true;
    while (snapshot_decode_route(&restore->decoder, &route))
        continue;
    if (restore->decoder.hosts == 0)
        return true;
    if (host_store_open(&store, restore->instance, restore->max_bytes, &failure) != SHM_OK)
        return false;
    while (all && snapshot_decode_host(&restore->decoder, &key, &host, &entry)) {
        uint32_t number = host_store_find(store, key, host);
        if (is_known(store, number))
            continue;
        number = host_store_add(store, key, host);
        all = number != HOST_STORE_NONE;
        if (all) {
            *host_store_entry(store, number) = entry;
            host_store_commit(store, number);
        }
    }
    host_store_close(store);
    return all;
}

static bool begin(void *context, struct restored_extent *out)
{
    struct snapshot_restore *restore = context;
    if (!*restore->path || !load(restore))
        return false;
    if (!restore_hosts(restore))
        put_aside(restore, "has more records of hosts than there is room for", no_hosts);
    snapshot_decode_rewind(&restore->decoder);
    *out = (struct restored_extent){.keys = restore->decoder.routes,
                                    .units = restore->decoder.units,
                                    .time = restore->decoder.written,
                                    .data_version = restore->decoder.data_version};
    return true;
}

static bool next(void *context, struct restored_route *out)
{
    struct snapshot_restore *restore = context;
    return snapshot_decode_route(&restore->decoder, out);
}

static void refused(void *context)
{
    struct snapshot_restore *restore = context;
    put_aside(restore, "has more routes than there is room for", no_routes);
}

struct snapshot_restore *snapshot_restore_new(const char *path, const char *instance, uint64_t max_bytes)
{
    struct snapshot_restore *restore = calloc(1, sizeof(*restore));
    if (!restore)
        return NULL;
    restore->source =
        (struct route_source){.begin = begin, .next = next, .refused = refused, .context = restore};
    restore->path = path;
    restore->instance = instance;
    restore->max_bytes = max_bytes;
    return restore;
}

const struct route_source *snapshot_restore_source(const struct snapshot_restore *restore)
{
    return restore ? &restore->source : NULL;
}

void snapshot_restore_delete(struct snapshot_restore *restore)
{
    if (!restore)
        return;
    free(restore->bytes);
    free(restore);
}
