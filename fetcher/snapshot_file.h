/* SPDX-License-Identifier: MIT */
/*
 * The file that a snapshot is in. When the fetcher dies, or a call fails, at any time, the name leads to the
 * whole file that was there before, or to the whole new one. What is named by mistake, and is no snapshot of this
 * instance, is neither replaced nor put aside: callers look first, with snapshot_file_in_the_way().
 */
#ifndef FETCHER_SNAPSHOT_FILE_H
#define FETCHER_SNAPSHOT_FILE_H

#include <stddef.h>
#include <stdint.h>

enum snapshot_file {
    SNAPSHOT_FILE_READ,
    SNAPSHOT_FILE_NONE,
    SNAPSHOT_FILE_REFUSED,
};

enum {
    SNAPSHOT_FILE_PATH_SIZE = 160, /* with the longest name of an instance, and what is put behind it */
    SNAPSHOT_FILE_TEXT_SIZE = 128,
};

/*
 * Reads a file of at most so many bytes, which is not empty, which belongs to this user or root, and which no other
 * user may write to. The caller frees *bytes. Refused: `text` says why, as the end of a sentence about the file.
 */
enum snapshot_file snapshot_file_read(const char *path, uint64_t most, uint8_t **bytes, size_t *size,
                                      char text[static SNAPSHOT_FILE_TEXT_SIZE]);

/* What is there that is not this instance's to replace, as the end of a sentence about it, with what to do; NULL:
 * nothing is, an empty file, or one of its snapshots, damaged or not. */
const char *snapshot_file_in_the_way(const char *path, const char *instance);

/* Replaces the file; on the way there is PATH.next. Blocks on the disk. Returns 0, or an errno with *step, what failed. */
int snapshot_file_write(const char *path, const uint8_t *bytes, size_t size, const char **step);

/* Gives what is there the name PATH.other, in place of what had it. Returns 0 or an errno. */
int snapshot_file_put_aside(const char *path);

#endif
