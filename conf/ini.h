/* SPDX-License-Identifier: MIT */
/*
 * The one place that uses iniparser, for its reading of values: quotes and comments behind them. iniparser only
 * reads files, and takes a byte order mark, carriage returns and much else for text; so the scan writes it a clean
 * copy in memory. What it prints by itself is suppressed: the scan has refused before whatever it could find.
 */
#ifndef CONF_INI_H
#define CONF_INI_H

#include <stdio.h>

#include "conf/keys.h"

/* Zero-initialise; release with ini_close(). */
struct ini {
    FILE *text;                  /* of the clean copy: sections and "key=value" lines of at most 1000 bytes */
    struct _dictionary_ *values; /* iniparser's */
};

/* Makes an empty copy to write to. Returns 0, or -1 with errno. */
int ini_open(struct ini *ini);

/* Reads the values out of what was written. Returns 0, or -1. */
int ini_parse(struct ini *ini);

/* The key's value, valid until ini_close(); or NULL. */
const char *ini_get(const struct ini *ini, const struct key *key);

void ini_close(struct ini *ini);

#endif
