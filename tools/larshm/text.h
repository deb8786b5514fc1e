/* SPDX-License-Identifier: MIT */
/* Numbers as people read them. Returned by value: printf("%s", text_bytes(n).is) needs no buffer. */
#ifndef TOOLS_LARSHM_TEXT_H
#define TOOLS_LARSHM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/host_addr.h"

struct text {
    char is[192];
};

/* "340 ms", "3 s", "4 min 5 s", "2 h 3 min", "5 d 4 h". */
struct text text_span(uint64_t ms);

/* "896 B", "12.5 KiB", "256 MiB". */
struct text text_bytes(uint64_t bytes);

/* "1,234,567". */
struct text text_count(uint64_t count);

/* Local time, "2024-05-06 07:08:09"; "?" for an impossible one. */
struct text text_time(uint64_t unix_ms);

/* The same without the date where that is the date of `now_unix_ms`. */
struct text text_moment(uint64_t unix_ms, uint64_t now_unix_ms);

/* A share in parts of 10,000: "14 %", "14.5 %", "14.25 %". */
struct text text_share(uint32_t parts);

/* `part` of `whole`: "14.3 %"; "-" of nothing. */
struct text text_percent(uint64_t part, uint64_t whole);

/* "10.0.0.1:8080", and the address alone. */
struct text text_host(struct host_addr host);
struct text text_address(uint32_t address);

/* Copies text out of shared memory: at most `size` - 1 bytes, and nothing that a terminal or JSON would mind. */
void text_printable(const char *s_text, size_t size, char *out);

#endif
