/* SPDX-License-Identifier: MIT */
/* A statement for many rows, which is run whenever it is long enough. */
#ifndef TOOLS_DNS_MARIA_BATCH_H
#define TOOLS_DNS_MARIA_BATCH_H

#include <stdio.h>

#include "tools/common/maria.h"

enum {
    BATCH_ROWS = 1000,    /* of one statement, ... */
    BATCH_SIZE = 1 << 19, /* ... and bytes: less than any server's max_allowed_packet */
};

/* The first four are the caller's; end it with batch_end(). */
struct batch {
    struct maria *maria;
    const char *head, *tail;
    bool rests; /* after each statement as batch_rest() does */
    FILE *out;
    char *text;
    size_t size, rows;
    int rc; /* -1: something failed, and maria->error says what */
};

/* Where the next row goes. NULL: something failed before. */
FILE *batch_row(struct batch *batch);

/* In a cluster: after a statement that is a transaction and that began at that time of batch_now(), lets the other
 * nodes, and editors there, keep up. */
void batch_rest(const struct maria *maria, uint64_t begun);
uint64_t batch_now(void);

/* Runs what is left. */
void batch_end(struct batch *batch);

#endif
