/* SPDX-License-Identifier: MIT */
/* What is wrong with a configuration file, said once and in one form. */
#ifndef CONF_COMPLAINT_H
#define CONF_COMPLAINT_H

#include <stddef.h>

/* Where complaints about the file `path` go: `size` bytes at `text`. */
struct complaint {
    const char *path;
    char *text;
    size_t size;
};

/* Bytes of the file made fit to be shown: printable, and cut when they are many. */
struct excerpt {
    char text[64];
};

/* Writes "PATH:LINE: ..."; line 0 stands for the file as a whole: "PATH: ...". Always returns -1. */
int complain(const struct complaint *to, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct excerpt excerpt(const char *bytes, size_t length);

#endif
