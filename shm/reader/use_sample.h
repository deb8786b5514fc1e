/* SPDX-License-Identifier: MIT */
/* Samples of lookups in the control object: which routes are used most, for people. Wait-free, no lock. */
#ifndef SHM_READER_USE_SAMPLE_H
#define SHM_READER_USE_SAMPLE_H

#include "shm/control.h"

/*
 * Leaves a route that stands for so many lookups. `thread` spreads threads over cache lines, any number will do; `random` is
 * as good as random, and decides whose name stays where several routes share a cell.
 */
void use_sample_add(const struct control *control, uint32_t thread, struct route_key key, uint32_t lookups,
                    uint32_t random);

#endif
