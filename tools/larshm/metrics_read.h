/* SPDX-License-Identifier: MIT */
/* What `larshm metrics` prints of an instance, read at once. */
#ifndef TOOLS_LARSHM_METRICS_READ_H
#define TOOLS_LARSHM_METRICS_READ_H

#include <jansson.h>

#include "shm/latency.h"
#include "shm/top_routes.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/hosts.h"

struct metrics_options {
    const char *instance; /* NULL: all that there are */
    unsigned top;         /* routes that are looked up most, at most TOP_ROUTES */
    bool no_routes;       /* without what takes a look at each route or host */
};

struct metrics {
    char instance[INSTANCE_MAX + 1];
    enum shm_status status; /* SHM_OK, or why there is nothing else */
    bool routes_known, hosts_known;
    struct facts facts;
    struct host_sums hosts[HOST_GROUPS];
    struct latency latency;
    struct route_use top[TOP_ROUTES];
    size_t top_count;
    json_t *servers; /* as the fetcher says; NULL: it does not, or not to this user */
};

/* What is known of one instance. SHM_SYSTEM_ERROR may be a lack of memory. Waits no more than a few seconds for a fetcher. */
void metrics_read(const struct metrics_options *options, const char *instance, struct metrics *out);
void metrics_free(struct metrics *metrics);

#endif
