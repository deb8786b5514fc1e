/* SPDX-License-Identifier: MIT */
/*
 * The first look at a configuration file, for what iniparser hides: on which line a key stands, whether it stands
 * there twice, whether it is known, and whether every line means something.
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
 * Reads the `size` bytes of a file. Returns 0, having written to `clean` the sections and keys alone, each on a line
 * of its own; or -1 with a complaint and *out untouched.
 */
int scan_text(const char *text, size_t size, FILE *clean, struct scan *out, const struct complaint *to);

#endif
