/* SPDX-License-Identifier: MIT */
/* Error texts about a configuration file, all in one form. */
#ifndef CONF_COMPLAINT_H
#define CONF_COMPLAINT_H

#include <stddef.h>

/* The buffer for an error text about the file `path`: `size` bytes at `text`. */
struct complaint {
    const char *path;
    char *text;
    size_t size;
};

/* Bytes of the file as they are printed: non-printable ones replaced, and truncated if there are many. */
struct excerpt {
    char text[64];
};

/* Writes "PATH:LINE: ..."; line 0 is the whole file: "PATH: ...". Always returns -1. */
int complain(const struct complaint *to, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct excerpt excerpt(const char *bytes, size_t length);

#endif
