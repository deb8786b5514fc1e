/* SPDX-License-Identifier: MIT */
#include "tools/dns/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "tools/common/parse.h"
#include "tools/dns/csv.h"
#include "tools/dns/row.h"

enum {
    LINE_SIZE = 256, /* the longest correct line without spaces has 64 characters */
    UNREAD = 1,      /* any byte but NUL */
    PROGRESS_LINES = 1 << 16,
    ROWS_FIRST = 1024,
};

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct import {
    const struct import_source *source;
    struct store *store;
    char *error; /* [IMPORT_ERROR_SIZE] */
    uint64_t line;
    bool started; /* past the place where the header may be */
    struct csv csv;

    struct row *rows; /* sorted when all are there */
    size_t count, capacity;
    struct host_addr *hosts; /* room for those of a route */
};

static int wrong(const struct import *import, const char *format, const char *text)
{
    char reason[256];
    snprintf(reason, sizeof(reason), format, text);
    snprintf(import->error, IMPORT_ERROR_SIZE, "%s:%" PRIu64 ": %s; nothing was imported",
             import->source->name, import->line, reason);
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

static int read_fields(const struct import *import, char *line, struct row *row)
{
    char *fields[CSV_COLUMNS];
    uint32_t id;
    if (csv_split(&import->csv, line, fields) != 0)
        return wrong(import, "a line has the fields %s, and all lines have as many", CSV_LAYOUTS);
    if (fields[CSV_ID] && !parse_id(fields[CSV_ID], &id))
        return wrong(import, "id '%s' is not " PARSE_ID_ALLOWED, fields[CSV_ID]);
    if (!parse_id(fields[CSV_MODID], &row->key.modid))
        return wrong(import, "modid '%s' is not " PARSE_ID_ALLOWED, fields[CSV_MODID]);
    if (!parse_id(fields[CSV_CMDID], &row->key.cmdid))
        return wrong(import, "cmdid '%s' is not " PARSE_ID_ALLOWED, fields[CSV_CMDID]);
    if (!read_ip(fields[CSV_IP], &row->host.address))
        return wrong(import, "ip '%s' is not " PARSE_IP_ALLOWED ", or its number", fields[CSV_IP]);
    if (!parse_port(fields[CSV_PORT], &row->host.port))
        return wrong(import, "port '%s' is not " PARSE_PORT_ALLOWED, fields[CSV_PORT]);
    if (route_key_is_none(row->key))
        return wrong(import, "%s", PARSE_KEY_RESERVED);
    if (row->host.address == INADDR_BROADCAST)
        return wrong(import, "%s", PARSE_IP_BROADCAST);
    return 0;
}

static int keep(struct import *import, const struct row *row)
{
    if (import->count == import->capacity) {
        size_t capacity = import->capacity ? import->capacity * 2 : ROWS_FIRST;
        struct row *rows = reallocarray(import->rows, capacity, sizeof(*rows));
        if (!rows)
            return wrong(import, "%s", "out of memory");
        import->rows = rows;
        import->capacity = capacity;
    }
    import->rows[import->count++] = *row;
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
    struct row row;
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
    if (read_fields(import, line, &row) != 0)
        return -1;
    return keep(import, &row);
}

/* Sets the route of the first of the sorted rows. Returns how many they are; 0: it failed. */
static size_t replace_route(const struct import *import, struct store *store, size_t first)
{
    const struct row *rows = import->rows + first;
    size_t same = 0;
    int deleted;
    while (first + same < import->count && route_key_equal(rows[same].key, rows->key)) {
        import->hosts[same] = rows[same].host;
        same++;
    }
    return store_set(store, rows->key, import->hosts, same, &deleted) < 0 ? 0 : same;
}

static int replace_routes(const struct import *import, struct store *store)
{
    for (size_t done = 0, same; done < import->count; done += same)
        if ((same = replace_route(import, store, done)) == 0)
            return -1;
    return 0;
}

static int add_rows(const struct import *import, struct store *store)
{
    for (size_t i = 0; i < import->count; i++)
        if (store_add(store, import->rows[i].key, import->rows[i].host) < 0)
            return -1;
    return 0;
}

static int make(struct store *store, void *arg)
{
    const struct import *import = arg;
    return import->source->replace ? replace_routes(import, store) : add_rows(import, store);
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

static int import_all(struct import *import, struct store_edit *done)
{
    if (import_lines(import) != 0)
        return -1;
    if (import->count == 0)
        return 1;
    qsort(import->rows, import->count, sizeof(*import->rows), row_compare);
    if (!(import->hosts = calloc(import->count + 1, sizeof(*import->hosts))))
        return wrong(import, "%s", "out of memory");
    if (store_make_large(import->store, make, import, &import->source->how, done) == 0)
        return 0;
    snprintf(import->error, IMPORT_ERROR_SIZE, "%s%s", store_error(import->store),
             store_half_made(import->store) ? "" : "; nothing was imported");
    return -1;
}

int import_csv(const struct import_source *source, struct store *store, struct store_edit *done,
               char error[static IMPORT_ERROR_SIZE])
{
    struct import import = {.source = source, .store = store, .error = error};
    int rc = import_all(&import, done);
    free(import.rows);
    free(import.hosts);
    return rc;
}
