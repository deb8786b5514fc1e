/* SPDX-License-Identifier: MIT */
#include "tools/common/follow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/log.h"

static bool same_files(const struct database_files *a, const struct database_files *b)
{
    return file_id_same(a->main, b->main) && file_id_same(a->wal, b->wal) && file_id_same(a->shm, b->shm);
}

/* Deletes a file beside the database, if it is still the one that is open: it would be taken for the new database's. */
static void delete_stale(const struct database *db, const char *suffix, struct file_id open)
{
    char path[DATABASE_PATH_SIZE];
    database_path(db, suffix, path);
    if (file_id_same(file_id(path), open))
        unlink(path);
}

/* Before another file of the same name is opened. The one that was moved away gets what only its -wal has. */
static void leave_moved(struct database *db)
{
    int moved = 0;
    if (db->state == CONTENT_SOUND)
        sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved)
        return; /* a link leads elsewhere now; the files are where they were */
    delete_stale(db, "-wal", db->files.wal);
    delete_stale(db, "-shm", db->files.shm);
}

/*
 * Only the -wal or -shm was replaced or deleted. SQLite shares what it knows of them among all connections of a process
 * to one database, so this one has to end first. A -wal that is gone had what the database itself lacks.
 */
static void leave_in_place(struct database *db, const struct database_files *now)
{
    if (file_id_is_none(now->wal))
        sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    database_disconnect(db);
}

/* The -wal holds edits of what was there before. They must not be laid over what is there now. */
static void leave_overwritten(struct database *db)
{
    delete_stale(db, "-wal", db->files.wal);
    delete_stale(db, "-shm", db->files.shm);
    database_disconnect(db);
}

/* Nothing that can be used is there, and the connection stays as it is. */
static int fail_unusable(struct database *db, bool missing)
{
    const char *until = db->use->missing;
    if (missing)
        return database_fail(
            db, "database %s was deleted or moved away: put it, or another, there; until then %s", db->path,
            until);
    if (db->state == CONTENT_LOST)
        return database_fail(
            db,
            "database %s was emptied or overwritten, and is none any more: put it, or another, "
            "there; until then %s",
            db->path, until);
    return database_fail(
        db,
        "database %s was overwritten in place, while %s-wal holds edits of what was there before: put the one "
        "that you want there with mv, not cp, before a restart; until then %s",
        db->path, db->path, until);
}

static int follow_tables(struct database *db)
{
    char error[STORE_ERROR_SIZE];
    if (database_check_tables(db) == 0)
        return 0;
    snprintf(error, sizeof(error), "%s", db->error);
    return database_fail(db, "%.300s; until that is repaired, %s", error, db->use->missing);
}

int database_follow(struct database *db)
{
    struct database next;
    struct database_files now = database_files(db);
    bool in_place = db->sqlite && file_id_same(now.main, db->files.main);
    bool same = in_place && same_files(&now, &db->files);
    bool was_lost = db->state == CONTENT_LOST;
    if (in_place)
        db->state = content_check(db->sqlite, db->path, &db->content);
    if (same && db->state == CONTENT_SOUND && !was_lost)
        return follow_tables(db);
    bool missing = file_id_is_none(now.main);
    if (missing || (in_place && db->state == CONTENT_LOST) ||
        (same && db->state == CONTENT_MIXED && !was_lost))
        return fail_unusable(db, missing);
    if (in_place && (db->state != CONTENT_SOUND || was_lost))
        leave_overwritten(db);
    else if (in_place)
        leave_in_place(db, &now);
    else if (db->sqlite)
        leave_moved(db);
    if (database_open(&next, db->path, STORE_EXISTING, db->use) != 0) {
        database_fail(db, "database %s was replaced by a file that cannot be used: %.300s; until then %s",
                      db->path, next.error, db->use->missing);
        database_close(&next);
        return -1;
    }
    next.state = content_check(next.sqlite, next.path, &next.content);
    database_disconnect(db);
    database_close(db);
    *db = next;
    return 1;
}

static void log_change(struct follow_log *log, int rc, const char *error, const char *next, const char *over)
{
    if (rc < 0 && strcmp(log->trouble, error) != 0)
        log_line(LOG_LEVEL_WARNING, "%s%s", error, next);
    if (rc == 0 && log->trouble[0])
        log_line(LOG_LEVEL_INFO, "%s", over);
    snprintf(log->trouble, sizeof(log->trouble), "%s", rc < 0 ? error : "");
}

void follow_log(struct follow_log *log, int rc, const char *error)
{
    log_change(log, rc, error, "", "the database is back");
}

void follow_log_use(struct follow_log *log, int rc, const char *error)
{
    log_change(log, rc, error, "; trying again", "the database works again");
}
