/* SPDX-License-Identifier: MIT */
/*
 * How much memory the kernel lets this process use. Pages of shared memory are charged to the control group of the
 * process that touches them first, which for our objects is the fetcher: a generation that exceeds the group's
 * limit would get the fetcher killed while it fills it.
 */
#ifndef SHM_WRITER_MEMORY_ROOM_H
#define SHM_WRITER_MEMORY_ROOM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes that are free under the tightest limit of the process's control group and those above it, of version 1 and 2.
 * UINT64_MAX: there is no limit, or none that can be read. The cache of files counts as free, as far as the kernel would
 * give it up before it kills; shared memory is no part of that. `root` is put before each path: "", but for tests.
 */
uint64_t memory_room(const char *root);

/* Whether so many bytes fit, with some for what they need beside them: page tables, and copies while a table is
 * imported. */
bool memory_has_room(uint64_t room, uint64_t bytes);

#endif
