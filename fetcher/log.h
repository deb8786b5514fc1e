/* SPDX-License-Identifier: MIT */
/* Lines on stderr. For the journal (stderr is no terminal) they begin with the priority that sd-daemon(3) defines. */
#ifndef FETCHER_LOG_H
#define FETCHER_LOG_H

#include <stdint.h>

/* The order of enum config_log_level. */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Lines above this level are not written. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At most one line per second and place: for events that a peer or a client can cause at any rate. */
struct log_limit {
    uint64_t next;       /* tick */
    uint64_t suppressed; /* lines that were not written */
};
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
