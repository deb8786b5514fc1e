/* SPDX-License-Identifier: MIT */
/*
 * The first pass over a configuration file, for what iniparser hides: the line of each key, repeated keys, unknown keys,
 * and lines that are neither.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <stddef.h>
#include <stdio.h>

#include "conf/complaint.h"
#include "conf/keys.h"

enum {
    SCAN_LINE_MAX = 1000, /* iniparser stops at 1024 */
};

/* The line on which each key of the table is set; 0 for a key that is not. */
struct scan {
    unsigned lines[KEY_COUNT];
};

/*
 * Reads the `size` bytes of a file. Returns 0 and writes only the sections and keys to `clean`, each on a line of its
 * own; or -1 with an error text and *out untouched.
 */
int scan_text(const char *text, size_t size, FILE *clean, struct scan *out, const struct complaint *to);

#endif
