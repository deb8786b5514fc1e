/* SPDX-License-Identifier: MIT */
#include "tools/dns/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "tools/common/parse.h"
#include "tools/dns/csv.h"

enum {
    LINE_SIZE = 256, /* the longest correct line without spaces has 64 characters */
    UNREAD = 1,      /* any byte but NUL */
    PROGRESS_LINES = 1 << 16,
    ENTRIES_FIRST = 1024,
};

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct entry {
    struct route_key key;
    struct host_addr host;
};

struct import {
    const struct import_source *source;
    struct store *store;
    char *error; /* [IMPORT_ERROR_SIZE] */
    uint64_t line;
    bool started; /* past the place where the header may be */
    struct csv csv;

    /* To replace routes, all of their hosts have to be known first. */
    struct entry *entries;
    size_t count, capacity;
    uint64_t deleted;
};

static int wrong(const struct import *import, const char *format, const char *text)
{
    char reason[256];
    snprintf(reason, sizeof(reason), format, text);
    snprintf(import->error, IMPORT_ERROR_SIZE, "%s:%" PRIu64 ": %s; nothing was imported",
             import->source->name, import->line, reason);
    return -1;
}

static int store_failed(const struct import *import)
{
    snprintf(import->error, IMPORT_ERROR_SIZE, "%s; nothing was imported", store_error(import->store));
    return -1;
}

/*
 * Takes the end of the line off. Returns -1 for a line that is longer than any correct one, or has a NUL in it: the buffer
 * was full of UNREAD, so its last NUL is the one behind what was read.
 */
static int trim(char line[static LINE_SIZE], bool last)
{
    size_t length = strlen(line);
    if (memrchr(line, '\0', LINE_SIZE) != line + length)
        return -1;
    if (length > 0 && line[length - 1] == '\n')
        line[--length] = '\0';
    else if (!last)
        return -1;
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    return 0;
}

/* A dotted address, or its number as in Lars' table. */
static bool read_ip(const char *text, uint32_t *out)
{
    uint32_t number;
    if (parse_ip(text, out))
        return true;
    if (!number_parse(text, 1, UINT32_MAX, &number))
        return false;
    *out = htonl(number);
    return true;
}

static int read_fields(const struct import *import, char *line, struct entry *entry)
{
    char *fields[CSV_COLUMNS];
    uint32_t id;
    if (csv_split(&import->csv, line, fields) != 0)
        return wrong(import, "a line has the fields %s, and all lines have as many", CSV_LAYOUTS);
    if (fields[CSV_ID] && !parse_id(fields[CSV_ID], &id))
        return wrong(import, "id '%s' is not " PARSE_ID_ALLOWED, fields[CSV_ID]);
    if (!parse_id(fields[CSV_MODID], &entry->key.modid))
        return wrong(import, "modid '%s' is not " PARSE_ID_ALLOWED, fields[CSV_MODID]);
    if (!parse_id(fields[CSV_CMDID], &entry->key.cmdid))
        return wrong(import, "cmdid '%s' is not " PARSE_ID_ALLOWED, fields[CSV_CMDID]);
    if (!read_ip(fields[CSV_IP], &entry->host.address))
        return wrong(import, "ip '%s' is not " PARSE_IP_ALLOWED ", or its number", fields[CSV_IP]);
    if (!parse_port(fields[CSV_PORT], &entry->host.port))
        return wrong(import, "port '%s' is not " PARSE_PORT_ALLOWED, fields[CSV_PORT]);
    if (route_key_is_none(entry->key))
        return wrong(import, "%s", PARSE_KEY_RESERVED);
    if (entry->host.address == INADDR_BROADCAST)
        return wrong(import, "%s", PARSE_IP_BROADCAST);
    return 0;
}

static int keep(struct import *import, const struct entry *entry)
{
    if (import->count == import->capacity) {
        size_t capacity = import->capacity ? import->capacity * 2 : ENTRIES_FIRST;
        struct entry *entries = reallocarray(import->entries, capacity, sizeof(*entries));
        if (!entries)
            return wrong(import, "%s", "out of memory");
        import->entries = entries;
        import->capacity = capacity;
    }
    import->entries[import->count++] = *entry;
    return 0;
}

/* Returns 1 when the line is a header, else 0; or -1. */
static int start(struct import *import, char *line)
{
    char error[CSV_ERROR_SIZE];
    import->started = true;
    int rc = csv_start(&import->csv, line, error);
    return rc < 0 ? wrong(import, "%s", error) : rc;
}

static int import_line(struct import *import, char line[static LINE_SIZE])
{
    struct entry entry;
    if (trim(line, feof(import->source->file)) != 0)
        return wrong(import, "the line is too long, or not text; a line is %s", CSV_LAYOUTS);
    if (import->line == 1 && strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        line += strlen(BYTE_ORDER_MARK);
    if (!*line)
        return 0;
    if (!import->started) {
        int rc = start(import, line);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    if (read_fields(import, line, &entry) != 0)
        return -1;
    if (import->source->replace)
        return keep(import, &entry);
    if (store_add(import->store, entry.key, entry.host) < 0)
        return store_failed(import);
    return 0;
}

static int compare_keys(const void *one, const void *other)
{
    uint64_t a = route_key_number(((const struct entry *)one)->key);
    uint64_t b = route_key_number(((const struct entry *)other)->key);
    return (a > b) - (a < b);
}

/* Sets the route of the first of the sorted entries. Returns how many they are; 0: it failed. */
static size_t replace_route(struct import *import, const struct entry *entries, size_t count,
                            struct host_addr *hosts)
{
    size_t same = 0;
    int deleted;
    while (same < count && compare_keys(&entries[same], entries) == 0) {
        hosts[same] = entries[same].host;
        same++;
    }
    if (store_set(import->store, entries->key, hosts, same, &deleted) < 0) {
        store_failed(import);
        return 0;
    }
    import->deleted += (uint64_t)deleted;
    return same;
}

static int replace_routes(struct import *import)
{
    struct host_addr *hosts = calloc(import->count + 1, sizeof(*hosts));
    if (!hosts)
        return wrong(import, "%s", "out of memory");
    if (import->count > 0)
        qsort(import->entries, import->count, sizeof(*import->entries), compare_keys);
    size_t done = 0, same = 1;
    while (done < import->count && same > 0) {
        same = replace_route(import, import->entries + done, import->count - done, hosts);
        done += same;
    }
    free(hosts);
    return same > 0 ? 0 : -1;
}

static int import_lines(struct import *import)
{
    const struct import_source *source = import->source;
    char line[LINE_SIZE];
    while (memset(line, UNREAD, sizeof(line)), fgets(line, sizeof(line), source->file)) {
        import->line++;
        if (import_line(import, line) != 0)
            return -1;
        if (source->progress && import->line % PROGRESS_LINES == 0)
            source->progress(import->line);
    }
    if (!ferror(source->file))
        return 0;
    snprintf(import->error, IMPORT_ERROR_SIZE, "%s: cannot be read: %s; nothing was imported", source->name,
             strerror(errno));
    return -1;
}

/* The edit, which has begun. */
static int import_all(struct import *import, struct import_outcome *out)
{
    struct store *store = import->store;
    struct store_size before, after;
    struct store_edit edit;
    if (store_measure(store, &before) != 0)
        return store_failed(import);
    if (import_lines(import) != 0 || replace_routes(import) != 0)
        return -1;
    if (store_measure(store, &after) != 0 || store_commit(store, &edit) != 0)
        return store_failed(import);
    out->added =
        (struct store_size){after.routes - before.routes, after.hosts + import->deleted - before.hosts};
    out->deleted = import->deleted;
    out->edit = edit;
    return 0;
}

int import_csv(const struct import_source *source, struct store *store, struct import_outcome *out,
               char error[static IMPORT_ERROR_SIZE])
{
    struct import import = {.source = source, .store = store, .error = error};
    if (store_begin(store) != 0)
        return store_failed(&import);
    int rc = import_all(&import, out);
    if (rc != 0)
        store_rollback(store);
    free(import.entries);
    return rc;
}
