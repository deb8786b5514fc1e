/* SPDX-License-Identifier: MIT */
/* A small routes object as a fetcher makes it, for harnesses to damage. */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H

#include "shm/layout.h"

enum {
    IMAGE_BUCKETS = 4,
    IMAGE_UNITS = 64,
    IMAGE_RING =
        16, /* entries: of a ring of the usual length most damage would be of keys that no reader looks at */
    IMAGE_BYTES = HEADER_BYTES + IMAGE_BUCKETS * CACHE_LINE + IMAGE_UNITS * UNIT_BYTES + IMAGE_RING * 8,
};

/* Fills IMAGE_BYTES at `out`, which is on a cache line: routes of 0, 1, 4, 14 and 70 hosts, one published twice. */
void image_make(void *out);

#endif
