/* SPDX-License-Identifier: MIT */
#include "tools/dns/import.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "tools/common/parse.h"

enum {
    LINE_SIZE = 128, /* the longest correct line has 44 characters */
    FIELDS = 4,
    PROGRESS_LINES = 1 << 16,
};

static const char header[] = "modid,cmdid,ip,port";

struct import {
    const struct import_source *source;
    struct store *store;
    char *error; /* [IMPORT_ERROR_SIZE] */
    uint64_t line;
    bool started; /* past the place where the header may be */
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

/* Takes the end of the line off. Returns -1 for a line that is longer than any correct one, or has a NUL in it. */
static int trim(char *line, bool last)
{
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n')
        line[--length] = '\0';
    else if (!last)
        return -1;
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    return 0;
}

static int read_fields(const struct import *import, char *line, struct route_key *key, struct host_addr *host)
{
    char *fields[FIELDS], *rest = line;
    size_t count = 0;
    while (rest && count < FIELDS)
        fields[count++] = strsep(&rest, ",");
    if (count < FIELDS || rest)
        return wrong(import, "a line has four fields, %s", header);
    if (!parse_id(fields[0], &key->modid))
        return wrong(import, "modid '%s' is not " PARSE_ID_ALLOWED, fields[0]);
    if (!parse_id(fields[1], &key->cmdid))
        return wrong(import, "cmdid '%s' is not " PARSE_ID_ALLOWED, fields[1]);
    if (!parse_ip(fields[2], &host->address))
        return wrong(import, "ip '%s' is not " PARSE_IP_ALLOWED, fields[2]);
    if (!parse_port(fields[3], &host->port))
        return wrong(import, "port '%s' is not " PARSE_PORT_ALLOWED, fields[3]);
    if (route_key_is_none(*key))
        return wrong(import, "%s", PARSE_KEY_RESERVED);
    return 0;
}

static int import_line(struct import *import, char *line)
{
    struct route_key key;
    struct host_addr host;
    if (trim(line, feof(import->source->file)) != 0)
        return wrong(import, "the line is too long, or not text; a line is %s", header);
    if (!*line)
        return 0;
    bool first = !import->started;
    import->started = true;
    if (first && strcasecmp(line, header) == 0)
        return 0;
    if (read_fields(import, line, &key, &host) != 0)
        return -1;
    if (store_add(import->store, key, host) < 0)
        return store_failed(import);
    return 0;
}

static int import_lines(struct import *import)
{
    const struct import_source *source = import->source;
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), source->file)) {
        import->line++;
        if (import_line(import, line) != 0)
            return -1;
        if (source->progress && import->line % PROGRESS_LINES == 0)
            source->progress(import->line);
    }
    if (ferror(source->file))
        return wrong(import, "cannot read on: %s", strerror(errno));
    return 0;
}

int import_csv(const struct import_source *source, struct store *store, struct import_outcome *out,
               char error[static IMPORT_ERROR_SIZE])
{
    struct import import = {.source = source, .store = store, .error = error};
    struct store_size before, after;
    struct store_edit edit;
    if (store_begin(store) != 0)
        return store_failed(&import);
    if (store_measure(store, &before) != 0) {
        store_failed(&import);
    } else if (import_lines(&import) == 0) {
        if (store_measure(store, &after) == 0 && store_commit(store, &edit) == 0) {
            out->added = (struct store_size){after.routes - before.routes, after.hosts - before.hosts};
            out->edit = edit;
            return 0;
        }
        store_failed(&import);
    }
    store_rollback(store);
    return -1;
}
