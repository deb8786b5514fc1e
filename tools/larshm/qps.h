/* SPDX-License-Identifier: MIT */
/* What `larshm qps` has measured. */
#ifndef TOOLS_LARSHM_QPS_H
#define TOOLS_LARSHM_QPS_H

#include "tools/larshm/command.h"

struct qps_thread {
    uint64_t calls, overloaded, failed;
    int failure; /* the last of those that failed */
};

/* The threads ran side by side for `ms`, from their common start until the last of them had ended. */
struct qps_result {
    struct route_key key;
    uint64_t ms;
    uint32_t count;
    const struct qps_thread *threads;
};

/* Shows it, or reports that no call got an answer. Returns the exit code. */
int qps_show(const struct common *common, const struct qps_result *result);

#endif
