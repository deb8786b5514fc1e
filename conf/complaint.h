/* SPDX-License-Identifier: MIT */
/* What is wrong with a configuration file: all of it, in the order of its lines. */
#ifndef CONF_COMPLAINT_H
#define CONF_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    COMPLAINTS_MAX = 100,
    COMPLAINT_SIZE = 1024, /* enough for every text */
};

struct complaint {
    unsigned line; /* 0: the whole file */
    char text[COMPLAINT_SIZE];
};

struct complaints {
    const char *path;
    size_t count;                          /* of all */
    struct complaint list[COMPLAINTS_MAX]; /* the first of them, by line */
};

/* Bytes of the file as they are printed: non-printable ones replaced, and truncated if there are many. */
struct excerpt {
    char text[64];
};

/* Adds a complaint. Always returns -1. */
int complain(struct complaints *to, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the line of that index, to be shown: "PATH:LINE: ...", of the whole file "PATH: ...", and at the end how many
 * more there are than the list has. False: there is none. */
bool complaint_line(const struct complaints *from, size_t index, char *out, size_t size);

struct excerpt excerpt(const char *bytes, size_t length);

#endif
