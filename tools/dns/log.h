/* SPDX-License-Identifier: MIT */
#ifndef DNS_LOG_H
#define DNS_LOG_H

#include <stdint.h>

/* Writes one line to stderr, behind the program's name. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* For counts in a line: "s", or nothing for one. */
const char *log_plural(uint64_t count);

#endif
