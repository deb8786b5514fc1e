/* SPDX-License-Identifier: MIT */
/*
 * The snapshot: what a fetcher knows of routes and hosts, in a file that outlives a reboot. Integers are little-endian,
 * addresses and ports as they are on the network. Times are Unix time in milliseconds; 0: none.
 *
 *      0       8         12         16     24        32       40      48         81          88             96
 *      | magic | version | checksum | size | written | routes | hosts | instance | 0 0 0 ... | data_version | records ...
 *
 *      checksum   crc32c() of all that follows it
 *      size       of the whole file
 *      written    when
 *      routes     how many records of routes; those of hosts follow them
 *      instance   its name, NUL-terminated; it is here in every version
 *      data_version   the highest that a directory has told; 0: none has. Version 1 is without it, and is read, too
 *
 * Record of a route, with one host at least:
 *
 *      | modid: u32 | cmdid: u32 | fetched: u64 | ttl_s: u16 | count: u16 | limited: u16 |
 *      | states: u64 [(count + 15) / 16], if limited is not 0 | address: u32 [count] | port: u16 [count] |
 *
 * Record of a host, or with address and port 0 of its route: see snapshot_encode.c put_health().
 */
#ifndef FETCHER_SNAPSHOT_FORMAT_H
#define FETCHER_SNAPSHOT_FORMAT_H

#include "shm/names.h"

#define SNAPSHOT_MAGIC UINT64_C(0x3150414e5352414c) /* "LARSNAP1" */

enum {
    SNAPSHOT_VERSION = 2,
    SNAPSHOT_CHECKED = 16, /* the checksum is of the bytes from here on */
    SNAPSHOT_INSTANCE = 48,
    SNAPSHOT_HEADER_1 = 88, /* of version 1 */
    SNAPSHOT_HEADER = 96,
    SNAPSHOT_ROUTE = 22, /* bytes of a route without its states and hosts */
    SNAPSHOT_HOST = 93,  /* ... and of a host */
};
_Static_assert(SNAPSHOT_INSTANCE + INSTANCE_MAX < SNAPSHOT_HEADER_1, "room for an instance's name");

/* No snapshot of an instance with so much shared memory is larger: each record is smaller than what it is of. */
static inline uint64_t snapshot_most(uint64_t max_bytes)
{
    return 2 * max_bytes + SNAPSHOT_HEADER;
}

#endif
