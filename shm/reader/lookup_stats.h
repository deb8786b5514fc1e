/* SPDX-License-Identifier: MIT */
/* Counts of lookups in the control object: sums for people. Wait-free, no lock. */
#ifndef SHM_READER_LOOKUP_STATS_H
#define SHM_READER_LOOKUP_STATS_H

#include "shm/control.h"

/* Adds to the lookup counts. `cell` spreads threads over cache lines; any number will do. */
void lookup_stats_add(const struct control *control, uint32_t cell, uint32_t lookups, uint32_t missed,
                      uint32_t expired);

#endif
