/* SPDX-License-Identifier: MIT */
/*
 * Adds the hosts of a file to a store, or replaces the routes that it names, as one edit: all of them, or none when a line
 * is wrong. A line is modid,cmdid,ip,port or id,modid,cmdid,serverip,serverport, as csv.h says, and an address may be
 * its number; empty lines are skipped; hosts that are there stay as they are.
 */
#ifndef TOOLS_DNS_IMPORT_H
#define TOOLS_DNS_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/dns/store.h"

enum {
    IMPORT_ERROR_SIZE = 1024,
};

struct import_source {
    FILE *file;
    const char *name;                 /* for messages */
    bool replace;                     /* a route that the file names has then its hosts and no others */
    void (*progress)(uint64_t lines); /* called now and then; may be NULL */
    struct store_large how;
};

/*
 * Returns 0; 1: the file has no rows, and nothing was done; or -1 with the store and *done as before, and `error` saying "NAME:LINE: what is wrong and what is
 * allowed" where a line is to blame.
 */
int import_csv(const struct import_source *source, struct store *store, struct store_edit *done,
               char error[static IMPORT_ERROR_SIZE]);

#endif
