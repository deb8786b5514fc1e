/* SPDX-License-Identifier: MIT */
/* Which call cell belongs to a host: for clients that record its results, and for the fetcher that names it for them. */
#ifndef SHM_CALL_CELL_H
#define SHM_CALL_CELL_H

#include <stdbool.h>

#include "shm/control.h"

enum {
    CALL_PROBE_MAX = 32 /* call cells that a host may use, from its home on */
};

/* The host's cell; where it has none, one that is named for it if `claim`. NULL: none, or no room. */
struct call_cell *call_cell_find(const struct control *control, struct route_key key, struct host_addr host,
                                 bool claim);

#endif
