/* SPDX-License-Identifier: MIT */
#include "tools/dns/maria_rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/dns/maria_batch.h"
#include "tools/dns/maria_routes.h"

enum {
    SINGLE_DELETES = 10,
};

int maria_rows_insert(struct maria *maria, const char *table, const struct row *rows, size_t count,
                      bool rests)
{
    char head[96];
    struct batch batch = {.maria = maria, .head = head, .tail = "", .rests = rests};
    snprintf(head, sizeof(head), "INSERT INTO %s (modid, cmdid, serverip, serverport) VALUES ", table);
    for (size_t i = 0; i < count; i++) {
        FILE *out = batch_row(&batch);
        if (out)
            fprintf(out, "(%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%u)", rows[i].key.modid, rows[i].key.cmdid,
                    ntohl(rows[i].host.address), (unsigned)ntohs(rows[i].host.port));
    }
    batch_end(&batch);
    return batch.rc;
}

/* The ids of the rows, for the caller to free. NULL: it failed. */
static uint32_t *find_ids(struct maria *maria, const char *table, const struct row *sought,
                          size_t sought_count, size_t *count)
{
    uint32_t *ids = NULL, *grown;
    size_t capacity = 0;
    struct row row;
    bool room = true;
    MYSQL_RES *rows = maria_stream(maria, "SELECT modid, cmdid, serverip, serverport, id FROM %s", table);
    if (!rows)
        return NULL;
    *count = 0;
    for (MYSQL_ROW line; (line = mysql_fetch_row(rows));) {
        if (!room ||
            !maria_routes_row(maria_column(line, 0), maria_column(line, 1), maria_column(line, 2),
                              maria_column(line, 3), &row) ||
            !bsearch(&row, sought, sought_count, sizeof(row), row_compare))
            continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : BATCH_ROWS;
            room = (grown = reallocarray(ids, capacity, sizeof(*ids)));
            ids = room ? grown : ids;
        }
        if (room)
            ids[(*count)++] = (uint32_t)maria_column(line, 4);
    }
    int rc = maria_end(maria, rows);
    if (rc == 0 && room && (ids || (ids = malloc(sizeof(*ids)))))
        return ids;
    if (rc == 0)
        maria_fail(maria, "out of memory");
    free(ids);
    return NULL;
}

static int delete_single(struct maria *maria, const char *table, const struct row *row)
{
    return maria_run(maria,
                     "DELETE FROM %s WHERE modid = %" PRIu32 " AND cmdid = %" PRIu32
                     " AND serverip = %" PRIu32 " AND serverport = %u",
                     table, row->key.modid, row->key.cmdid, ntohl(row->host.address),
                     (unsigned)ntohs(row->host.port)) < 0
               ? -1
               : 0;
}

int maria_rows_delete(struct maria *maria, const char *table, const struct row *rows, size_t row_count,
                      bool rests)
{
    char head[96];
    struct batch batch = {.maria = maria, .head = head, .tail = ")", .rests = rests};
    size_t count;
    if (row_count <= SINGLE_DELETES) {
        for (size_t i = 0; i < row_count; i++)
            if (delete_single(maria, table, &rows[i]) != 0)
                return -1;
        return 0;
    }
    uint32_t *ids = find_ids(maria, table, rows, row_count, &count);
    if (!ids)
        return -1;
    snprintf(head, sizeof(head), "DELETE FROM %s WHERE id IN (", table);
    for (size_t i = 0; i < count; i++) {
        FILE *out = batch_row(&batch);
        if (out)
            fprintf(out, "%" PRIu32, ids[i]);
    }
    batch_end(&batch);
    free(ids);
    return batch.rc;
}
