/* SPDX-License-Identifier: MIT */
/*
 * The log: what each edit made of each route. Hosts are IP:PORT with spaces between them, in order; empty: there was no
 * such route. Edits by other programs are not in it.
 */
#ifndef TOOLS_DNS_STORE_LOG_H
#define TOOLS_DNS_STORE_LOG_H

#include <stdint.h>

#include "shm/host_addr.h"

enum {
    STORE_LOG_EDITS = 1000, /* that it keeps, the newest */
};

struct store_log_row {
    int64_t edit, time; /* Unix seconds */
    const char *user;
    struct route_key key;
    const char *before, *after;
};

typedef int store_log_row_fn(void *arg, const struct store_log_row *row);

#endif
