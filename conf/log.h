/* SPDX-License-Identifier: MIT */
/*
 * Lines on stderr, each behind the program's name. Where stderr is the journal, they begin with the priority that
 * sd-daemon(3) defines; elsewhere, those of a daemon begin with the time in UTC and the level:
 *
 *     2026-11-30T02:45:12.345Z warning larshm-fetcher: text
 *
 * A line that stderr does not take at once is dropped and counted; a later line says how many.
 */
#ifndef CONF_LOG_H
#define CONF_LOG_H

#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Lines above this level are not written; LOG_LEVEL_INFO unless set. */
void log_set_level(enum log_level level);

/* This program is a daemon: its lines have times, and a pipe or socket that nothing reads any more ends no write by a signal. */
void log_daemon(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * At most one line a second for each limit: for what a peer or a client can cause at any rate. Zero-initialise, or set
 * `burst`: after a second of silence for each there may be so many lines at once.
 */
enum {
    LOG_BURST = 10 /* for events of which one wants to see each, if they are few */
};

struct log_limit {
    uint32_t burst; /* 0: 1 */
    uint64_t next;  /* millisecond of the monotonic clock at which a line is due if they come once a second */
    uint64_t suppressed; /* lines that were not written */
};
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says how many lines were suppressed, "3 more WHAT", as soon as the limit allows it. Call it now and then. */
void log_limit_flush(struct log_limit *limit, enum log_level level, const char *what);

#endif
