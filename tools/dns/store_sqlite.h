/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file. */
#ifndef TOOLS_DNS_STORE_SQLITE_H
#define TOOLS_DNS_STORE_SQLITE_H

#include "tools/dns/store.h"

/* As store_open(). */
int store_sqlite_open(struct store **out, const char *path, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE]);

#endif
