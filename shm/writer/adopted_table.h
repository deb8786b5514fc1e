/* SPDX-License-Identifier: MIT */
/* Tables of a generation that a fetcher adopts: of its own layout, or of the one that was released before. */
#ifndef SHM_WRITER_ADOPTED_TABLE_H
#define SHM_WRITER_ADOPTED_TABLE_H

#include "shm/table.h"

/*
 * As table_begin(). The states of a released table are translated into `states`, which has room for STATE_WORDS(HOSTS_MAX), and
 * out->s_states is that; NULL: they are not wanted.
 */
enum shm_status adopted_table(const struct routes *source, uint32_t slot, struct route_key key,
                              _Atomic uint64_t *states, struct table *out);

#endif
