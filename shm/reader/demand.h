/* SPDX-License-Identifier: MIT */
/* The client half of the control object: demands for the fetcher. Wait-free, no lock. */
#ifndef SHM_READER_DEMAND_H
#define SHM_READER_DEMAND_H

#include <stdbool.h>

#include "shm/control.h"

/* Sets the NEW-timeout flag of a slot whose table has expired (Lars rule 4). Setting it twice costs three loads. */
void demand_refresh(const struct control *control, uint32_t slot);

/*
 * Demands an unknown key. A key that is waiting already is not added again; if the few cells that it may use are taken,
 * it is dropped, and the next lookup tries again.
 */
void demand_route(const struct control *control, struct route_key key);

#endif
