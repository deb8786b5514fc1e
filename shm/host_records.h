/* SPDX-License-Identifier: MIT */
/* The read-only view of the hosts object: for programs, the inspection tool and the next fetcher. */
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

/* Whether record `number` is one of the route's, and whose: a hint, host_records_read() says whether it still is. */
bool host_records_is_of(const struct host_records *hosts, uint32_t number, struct route_key key,
                        struct host_addr *host);

/* An entry as a record holds it: its ticks count from the boot, as those of 0.1 do. 0 stays 0. */
void host_entry_pack(const struct host_entry *entry, uint64_t words[static HOST_WORDS]);

/* Reads record `number`. HOST_ADDR_NONE: the route's own. False: it is free, or changes all the time. */
bool host_records_read(const struct host_records *hosts, uint32_t number, struct route_key *key,
                       struct host_addr *host, struct host_entry *out);

/* Since the host got its state; 0: it has no moment. */
static inline uint64_t host_health_age_ms(const struct host_health *health, uint64_t now)
{
    return health->since && now > health->since ? now - health->since : 0;
}

/* Until its ejection ends; 0: it is in rotation, or would be back by now. */
static inline uint64_t host_health_ejected_left_ms(const struct host_health *health, uint64_t now)
{
    return health->state == HOST_EJECTED && health->window > now ? health->window - now : 0;
}

#endif
