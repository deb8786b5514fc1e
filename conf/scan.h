/* SPDX-License-Identifier: MIT */
/*
 * The first pass over a configuration file, for what iniparser hides: the line of each key, repeated keys, unknown keys,
 * and lines that are neither.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/complaint.h"
#include "conf/keys.h"

enum {
    SCAN_LINE_MAX = 1000, /* iniparser stops at 1024 */
};

/* Of each key of the table. */
struct scan {
    unsigned lines[KEY_COUNT]; /* on which it is set; 0: it is not */
    bool wrong[KEY_COUNT];     /* its line is not understood */
};

/*
 * Reads the `size` bytes of a file, and writes only the sections and keys to `clean`, each on a line of its own. Returns
 * -1 where there were complaints; what was understood is written all the same.
 */
int scan_text(const char *text, size_t size, FILE *clean, struct scan *out, struct complaints *to);

#endif
