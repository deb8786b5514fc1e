/* SPDX-License-Identifier: MIT */
/*
 * The only user of iniparser, which parses values: quotes, and comments after them. iniparser reads files only, and takes
 * a byte order mark, carriage returns and much else for text; so the scan writes a clean copy in memory for it. Its own
 * output is suppressed: the scan has already refused everything that iniparser could complain about.
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

/* Creates an empty copy to write to. Returns 0, or -1 with errno. */
int ini_open(struct ini *ini);

/* Parses the values of the copy. Returns 0, or -1. */
int ini_parse(struct ini *ini);

/* The key's value, valid until ini_close(); or NULL. */
const char *ini_get(const struct ini *ini, const struct key *key);

void ini_close(struct ini *ini);

#endif
