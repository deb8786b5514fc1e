/* SPDX-License-Identifier: MIT */
/*
 * Which rows of RouteChange were seen. Ids come in any order: a transaction that began first may commit last, and others
 * delete rows, or empty the table, whose ids then begin again. So each row is remembered as a whole, by its id.
 */
#ifndef TOOLS_DNS_HINTS_H
#define TOOLS_DNS_HINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

enum {
    HINTS_MAX = 1024, /* rows, the newest, that are looked at */
    HINTS_PLACES = 8 * HINTS_MAX,
};

struct hint {
    uint64_t id, version;
    struct route_key key;
};

/* Zero-initialise. No row has the id 0. */
struct hints {
    struct hint seen[HINTS_PLACES];
};

/* True if the row was not seen before. One that has been forgotten meanwhile counts as new. */
bool hints_see(struct hints *hints, const struct hint *hint);

#endif
