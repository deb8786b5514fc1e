/* SPDX-License-Identifier: MIT */
/* What the fetcher knows of hosts: a copy of the hosts object, to search in. */
#ifndef TOOLS_LARSHM_HOSTS_H
#define TOOLS_LARSHM_HOSTS_H

#include "shm/host_addr.h"
#include "shm/host_records.h"

struct known_host {
    struct route_key key;
    struct host_addr host; /* HOST_ADDR_NONE: hosts that the route does not have */
    struct host_health health;
};

/* By route, then by address: for qsort(). */
int known_host_order(const void *left, const void *right);

/* Sorted by route and address; of each route, what is about hosts that it does not have comes first. */
struct known_hosts {
    struct known_host *entries;
    size_t count;
    bool readable; /* false: nothing is known, not even that no call has been reported */
};

/* Keys from `first` to `last`. */
struct key_range {
    struct route_key first, last;
};

/* Opens the hosts object of an instance; the caller closes the region. On failure there is nothing to close. */
enum shm_status hosts_open(const char *instance, struct region *region, struct host_records *hosts);

/* Values that no fetcher writes are read as the first of their kind. */
struct host_health known_health(struct host_health health);

/*
 * Copies what is about these routes. Values that no fetcher writes are read as the first of their kind. Records that
 * change meanwhile are copied as they were or as they became. SHM_SYSTEM_ERROR: no memory.
 */
enum shm_status known_hosts_copy(const struct host_records *hosts, struct key_range range,
                                 struct known_hosts *out);

/* Likewise, from the object of an instance. On failure *out is as it was. */
enum shm_status known_hosts_read(const char *instance, struct key_range range, struct known_hosts *out);

/* What is the matter with the object: "it is truncated". */
const char *hosts_fault(enum shm_status status);

/* For commands that show hosts without their history when it cannot be had: a line on stderr says why, unless there
 * is simply no such object. */
struct known_hosts known_hosts_or_none(const char *instance, struct key_range range);

/* A zeroed one is fine. */
void known_hosts_free(struct known_hosts *known);

/* All about one route: *count entries; NULL if there are none. */
const struct known_host *known_hosts_of(const struct known_hosts *known, struct route_key key, size_t *count);

/* NULL: no call to the host has been reported, and it never had an override. */
const struct host_health *known_hosts_find(const struct known_hosts *known, struct route_key key,
                                           struct host_addr host);

/* Hosts by what becomes of them now, and what their calls came to. */
enum host_group {
    HOSTS_IN_ROTATION,
    HOSTS_SPARED, /* in rotation, and fail: max_ejected others are out */
    HOSTS_EJECTED,
    HOSTS_DRAINED,
    HOSTS_OTHER, /* that their route does not have, or no more */
    HOST_GROUPS,
};

struct host_sums {
    uint64_t hosts, successes, failures;
};

/* "in_rotation", "spared", "ejected", "drained", "other". */
extern const char *const host_group_names[HOST_GROUPS];

/* Counts all that have a record: of the others no call has been reported. False: the object cannot be read. */
bool hosts_sum(const char *instance, struct host_sums out[static HOST_GROUPS]);

/* Bytes of the object; 0: it cannot be read. */
uint64_t hosts_object_bytes(const char *instance);

#endif
