/* SPDX-License-Identifier: MIT */
#include "tools/common/content.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes of SQLite's file format, and 32-bit words of its wal-index format. */
enum {
    HEADER_SIZE = 100,
    HEADER_VERSIONS = 18, /* 2, 2: the database is in WAL mode */
    INDEX_SIZE = 32768,   /* of the part of the wal-index that has its header */
    INDEX_LAST_FRAME = 16 / 4,
    INDEX_SALT = 32 / 4,
    INDEX_BACKFILLED = 96 / 4,
    INDEX_BACKFILLING = 128 / 4,
};

/*
 * Through SQLite's own descriptor: the end of any other descriptor of the file would end the locks that SQLite has on it.
 */
static sqlite3_file *open_file(sqlite3 *sqlite)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods ? file : NULL;
}

/*
 * Before a checkpoint writes to the database, it sets `backfilling`, and afterwards `backfilled`. So the numbers are read
 * before the time: a time that is newer than they are is explained by newer numbers at the next call.
 */
static bool read_content(sqlite3_file *file, const char *path, struct content *out)
{
    struct stat st;
    volatile void *page = NULL;
    const volatile uint32_t *index;
    if (file->pMethods->iVersion < 2 || file->pMethods->xShmMap(file, 0, INDEX_SIZE, 0, &page) != SQLITE_OK ||
        !page)
        return false;
    index = page;
    *out = (struct content){
        .salt = {index[INDEX_SALT], index[INDEX_SALT + 1]},
        .backfilled = index[INDEX_BACKFILLED],
        .backfilling = index[INDEX_BACKFILLING],
        .last_frame = index[INDEX_LAST_FRAME],
        .known = true,
    };
    if (stat(path, &st) != 0)
        return false;
    out->written = st.st_mtim;
    return true;
}

/* No checkpoint came between the two, and none was under way. */
static bool written_by_others(const struct content *before, const struct content *now)
{
    return before->known && before->backfilled == before->backfilling && //
           now->backfilled == before->backfilled && now->backfilling == before->backfilling &&
           memcmp(now->salt, before->salt, sizeof(now->salt)) == 0 &&
           (now->written.tv_sec != before->written.tv_sec || now->written.tv_nsec != before->written.tv_nsec);
}

enum content_state content_check(sqlite3 *sqlite, const char *path, struct content *content)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[HEADER_SIZE];
    struct content now;
    sqlite3_file *file = open_file(sqlite);
    if (!file)
        return CONTENT_SOUND;
    int rc = file->pMethods->xRead(file, header, sizeof(header), 0);
    if (rc == SQLITE_IOERR_SHORT_READ || (rc == SQLITE_OK && memcmp(header, magic, sizeof(magic)) != 0))
        return CONTENT_LOST;
    bool wal_mode =
        header[HEADER_VERSIONS] == 2 || content->known; /* it cannot be left while the database is open */
    if (rc != SQLITE_OK || !wal_mode || !read_content(file, path, &now))
        return CONTENT_SOUND;
    if (written_by_others(content, &now))
        return now.last_frame > now.backfilled ? CONTENT_MIXED : CONTENT_REPLACED;
    *content = now;
    return CONTENT_SOUND;
}
