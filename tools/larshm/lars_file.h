/* SPDX-License-Identifier: MIT */
/*
 * A configuration file of Lars' agent, line by line: what the fetcher takes from it, and all mistakes, not the first alone.
 */
#ifndef TOOLS_LARSHM_LARS_FILE_H
#define TOOLS_LARSHM_LARS_FILE_H

#include <stddef.h>

#include "conf/config.h"
#include "conf/keys.h"

enum {
    LARS_FILE_LINES_MAX = 1000,
    LARS_FILE_MISTAKES_MAX = 50,
};

enum lars_line_kind {
    LARS_LINE_EMPTY, /* or a comment */
    LARS_LINE_SECTION,
    LARS_LINE_KEY,
    LARS_LINE_MISTAKE,
    LARS_LINE_SKIPPED, /* it belongs to a section that is a mistake */
};

struct lars_line {
    enum lars_line_kind kind;
    const char *section;   /* that it begins; NULL: none */
    const struct key *key; /* that it sets; NULL: none */
    char *mistake;         /* what is wrong and what is allowed; NULL: nothing */
    char *text;            /* `length` bytes; blanks once it is a mistake */
    size_t length;
};

struct lars_file {
    struct config config; /* without the lines that are mistakes */
    size_t line_count, mistake_count;
    struct lars_line *lines; /* line 1 is lines[0] */
    char *text;
    size_t size;
};

/*
 * Returns 0, with *out to be released by lars_file_free(); or -1 with `error` saying why nothing can be said of the file,
 * as it cannot be read, is empty, or is not what it should be.
 */
int lars_file_read(const char *path, struct lars_file *out, char *error, size_t size);

void lars_file_free(struct lars_file *file);

#endif
