/* SPDX-License-Identifier: MIT */
/* Snapshots as fetchers before this one wrote them. */
#ifndef TESTS_SUPPORT_SNAPSHOT_VERSION_H
#define TESTS_SUPPORT_SNAPSHOT_VERSION_H

#include <string.h>

#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_format.h"

/* Makes one of version 1 out of one of version 2. Returns its size. */
static inline size_t snapshot_to_version_1(uint8_t *bytes, size_t size)
{
    const uint64_t whole = size - (SNAPSHOT_HEADER - SNAPSHOT_HEADER_1);
    bytes[8] = 1;
    memcpy(bytes + SNAPSHOT_CHECKED, &whole, sizeof(whole));
    memmove(bytes + SNAPSHOT_HEADER_1, bytes + SNAPSHOT_HEADER, size - SNAPSHOT_HEADER);
    snapshot_seal(bytes, whole);
    return whole;
}

#endif
