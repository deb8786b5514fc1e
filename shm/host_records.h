/* SPDX-License-Identifier: MIT */
/* The read-only view of the hosts object: for the inspection tool and the next fetcher. */
#ifndef SHM_HOST_RECORDS_H
#define SHM_HOST_RECORDS_H

#include <stdbool.h>

#include "shm/layout.h"
#include "shm/region.h"

struct host_records {
    struct hosts_header *s_header;
    struct host_record *s_records;
    uint32_t record_count;
};

uint64_t host_records_size(uint32_t record_count);

/* Checks the object, then fills *out. The region must outlive it. */
enum shm_status host_records_attach(const struct region *region, struct host_records *out);

/* Records that are or were in use. */
uint32_t host_records_used(const struct host_records *hosts);

/* An entry as a record holds it: its ticks count from the boot, as those of 0.1 do. 0 stays 0. */
void host_entry_pack(const struct host_entry *entry, uint64_t words[static HOST_WORDS]);

/* Reads record `number`. HOST_ADDR_NONE: the route's own. False: it is free, or changes all the time. */
bool host_records_read(const struct host_records *hosts, uint32_t number, struct route_key *key,
                       struct host_addr *host, struct host_entry *out);

#endif
