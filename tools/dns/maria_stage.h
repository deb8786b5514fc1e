/* SPDX-License-Identifier: MIT */
/*
 * A table beside RouteData that is filled in pieces, so that no other editor waits, and then takes RouteData's place at
 * once: RouteData_next. What was RouteData is RouteData_old until it is dropped. RouteData_next is there as long as an
 * import makes it, and keeps others from beginning; its comment says who makes it.
 *
 * Dropping RouteData_next harms nothing at any time: the import that makes it fails. Functions return -1 after a
 * failure, and maria->error says why and what to do.
 */
#ifndef TOOLS_DNS_MARIA_STAGE_H
#define TOOLS_DNS_MARIA_STAGE_H

#include "tools/common/maria.h"

#define MARIA_STAGE_NEXT "RouteData_next"
#define MARIA_STAGE_OLD  "RouteData_old"

enum {
    MARIA_COMMENT_SIZE = 2 * 4 * 2048 + 1, /* of a table: 2048 characters of 4 bytes at most, quoted */
};

struct maria_stage {
    struct maria *maria;
    char comment[160];                 /* of RouteData_next; RouteData gets back its own */
    char original[MARIA_COMMENT_SIZE]; /* quoted */
    void (*progress)(uint64_t);        /* rows; NULL: none */
    uint64_t rows;
    bool made; /* RouteData_next is there, and is this one's */
};

/* Makes RouteData_next, empty. Fails where RouteData may not be replaced, and while another import makes one. */
int maria_stage_begin(struct maria_stage *stage);

/* Copies all rows of RouteData; not as they were at one moment. */
int maria_stage_copy(struct maria_stage *stage);

/* Puts it in RouteData's place. Returns 1 when a transaction of another program has RouteData open: try again. */
int maria_stage_switch(struct maria_stage *stage);

/* Drops RouteData_old. */
int maria_stage_end(struct maria_stage *stage);

/* After a failure before the switch: drops RouteData_next if it can. The error stays as it was. */
void maria_stage_cancel(struct maria_stage *stage);

#endif
