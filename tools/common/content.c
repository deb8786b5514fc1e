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
    SUM_PIECE = 1 << 16,    /* read at a time */
    SUMMED_MAX = 256 << 20, /* bytes of a file; of a longer one only the size is compared */
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

/* CONTENT_SOUND: it has the header of a database, or cannot be read. */
static enum content_state read_header(sqlite3_file *file, bool *wal_mode)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[HEADER_SIZE];
    int rc = file->pMethods->xRead(file, header, sizeof(header), 0);
    if (rc == SQLITE_IOERR_SHORT_READ || (rc == SQLITE_OK && memcmp(header, magic, sizeof(magic)) != 0))
        return CONTENT_LOST;
    *wal_mode = rc == SQLITE_OK && header[HEADER_VERSIONS] == 2;
    return CONTENT_SOUND;
}

/* A checkpoint sets `backfilling`, writes to the database, and sets `backfilled` to the same number. */
static bool read_progress(sqlite3_file *file, const char *path, struct content *out)
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

/* No checkpoint came between the two. */
static bool same_checkpoints(const struct content *a, const struct content *b)
{
    return a->backfilled == b->backfilled && a->backfilling == b->backfilling &&
           memcmp(a->salt, b->salt, sizeof(a->salt)) == 0;
}

static bool same_time(const struct content *a, const struct content *b)
{
    return a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

/* Each step is a bijection of the sum: contents of one size that differ in one word never have the same one. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return sum ^ sum >> 32;
}

static bool sum_file(sqlite3_file *file, uint64_t *sum)
{
    uint64_t words[SUM_PIECE / sizeof(uint64_t)];
    sqlite3_int64 size;
    if (file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return false;
    uint64_t result = add_word(0, (uint64_t)size);
    for (sqlite3_int64 at = 0; size <= SUMMED_MAX && at < size; at += SUM_PIECE) {
        int length = size - at < SUM_PIECE ? (int)(size - at) : SUM_PIECE;
        memset((char *)words + length, 0, (size_t)(SUM_PIECE - length));
        if (file->pMethods->xRead(file, words, length, at) != SQLITE_OK)
            return false;
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
            result = add_word(result, words[i]);
    }
    *sum = result;
    return true;
}

/*
 * Looks at the whole file. Fails while a checkpoint is under way, and where one, or another program, writes meanwhile:
 * numbers and time are read before the sum and after it, so what they say holds for all that was summed.
 */
static bool read_content(sqlite3_file *file, const char *path, struct content *out)
{
    struct content before;
    uint64_t sum;
    if (!read_progress(file, path, &before) || before.backfilled != before.backfilling ||
        !sum_file(file, &sum) || !read_progress(file, path, out) || !same_checkpoints(&before, out) ||
        !same_time(&before, out))
        return false;
    out->sum = sum;
    clock_gettime(CLOCK_MONOTONIC, &out->summed);
    return true;
}

/* A sum can take a fifth of a second, and each commit can bring a checkpoint. */
static bool sum_is_recent(const struct content *content)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec == content->summed.tv_sec;
}

/*
 * Of a -wal that a crash left, SQLite's numbers say that a checkpoint is under way, until the next one. Without that no sum
 * could be taken, and an overwrite would not be noticed.
 */
static void finish_checkpoint(sqlite3 *sqlite)
{
    sqlite3_wal_checkpoint_v2(sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

bool content_lost(sqlite3 *sqlite)
{
    bool wal_mode;
    sqlite3_file *file = open_file(sqlite);
    return file && read_header(file, &wal_mode) == CONTENT_LOST;
}

enum content_state content_check(sqlite3 *sqlite, const char *path, struct content *content)
{
    struct content now;
    bool wal_mode = false;
    sqlite3_file *file = open_file(sqlite);
    enum content_state state = content->mixed ? CONTENT_MIXED : CONTENT_SOUND;
    if (file && read_header(file, &wal_mode) == CONTENT_LOST)
        return CONTENT_LOST;
    wal_mode |= content->known; /* it cannot be left while the database is open */
    if (!file || !wal_mode || !read_progress(file, path, &now))
        return state;
    if (!content->known && now.backfilled != now.backfilling)
        finish_checkpoint(sqlite);
    bool checkpoint = content->known && !same_checkpoints(content, &now);
    if (content->known && !checkpoint && same_time(content, &now))
        return state;
    if (checkpoint && (content->mixed || sum_is_recent(content)))
        return state;
    if (!read_content(file, path, &now))
        return state;
    if (content->known && same_checkpoints(content, &now) && now.sum != content->sum) {
        if (now.last_frame <= now.backfilled)
            return CONTENT_REPLACED;
        content->mixed = true;
        content->written = now.written;
        return CONTENT_MIXED;
    }
    *content = now;
    return CONTENT_SOUND;
}
