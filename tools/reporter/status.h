/* SPDX-License-Identifier: MIT */
/* What the report service is about: how the calls of one caller to one host of a route went. */
#ifndef TOOLS_REPORTER_STATUS_H
#define TOOLS_REPORTER_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/host_addr.h"

struct status {
    /* Route, host and caller are the key: a newer status takes the place of an older one. */
    struct route_key route;
    struct host_addr host;
    uint32_t caller; /* address of the reporting machine in host order; 0 when it does not know it */
    uint32_t successes, failures;
    bool overloaded;
    uint32_t time; /* Unix seconds, by the caller's clock */
};

#endif
