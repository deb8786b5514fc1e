/* SPDX-License-Identifier: MIT */
/*
 * A database under a program that serves it for months: its file is replaced by a backup, deleted, moved away. SQLite
 * goes on with the file that it has open, which no other process sees any more.
 */
#ifndef TOOLS_COMMON_FOLLOW_H
#define TOOLS_COMMON_FOLLOW_H

#include "tools/common/database.h"

/*
 * Goes over to the file that is at the path now. Call it first when the database was opened: overwriting counts from then
 * on. Returns 0: it is the one that is open. 1: it is another one; what the
 * caller knows of the content, and temporary tables, are gone. -1: nothing that can be used is there, db->error says
 * what; what was open stays open as far as possible, but no other process sees what is written there.
 */
int database_follow(struct database *db);

/* What the log says of it, each thing once. Zero-initialise. */
struct follow_log {
    char trouble[STORE_ERROR_SIZE]; /* that it said last; empty: none */
};

/* `rc` and `error` are those of database_follow(). */
void follow_log(struct follow_log *log, int rc, const char *error);

/* Likewise of a use of the database that is tried again until it succeeds: -1, 0, or 1 where there is nothing to say. */
void follow_log_use(struct follow_log *log, int rc, const char *error);

#endif
