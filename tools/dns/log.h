/* SPDX-License-Identifier: MIT */
#ifndef DNS_LOG_H
#define DNS_LOG_H

/* Writes one line to stderr, behind the program's name. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

#endif
