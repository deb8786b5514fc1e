/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdint.h>

/* Writes one line to stderr, behind the program's name. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* At most one line a second for each limit, for what a peer may cause as often as it likes. Zero-initialise. */
struct log_limit {
    int64_t next;  /* second on the monotonic clock */
    uint64_t held; /* lines that were not written since the last one */
};
__attribute__((format(printf, 2, 3))) void log_limited(struct log_limit *limit, const char *format, ...);

/* For counts in a line: "s", or nothing for one. */
const char *log_plural(uint64_t count);

#endif
