/* SPDX-License-Identifier: MIT */
/*
 * Whether the torture stays at the memory that it has reached, however long it runs. Spans of equal length are compared
 * by the most that was seen in them. The first says what is needed; a later one may have half as much again, and a slack.
 */
#ifndef TESTS_TORTURE_MEMORY_H
#define TESTS_TORTURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/names.h"

enum {
    /* The control object grows fourfold, of 33 MB once, and two before it may be left. */
    MEMORY_OBJECTS_SLACK = 384 << 20,
    MEMORY_SLACK = 32 << 20,
};

/* Bytes. */
struct memory_use {
    uint64_t objects, fetcher;
    uint64_t readers; /* of the largest */
    uint64_t torture; /* of itself, or of the directory */
};

struct memory {
    uint64_t begin, span, next; /* ticks: of the first span, its length, and the end of the present one */
    struct memory_use first, now;
};

/* Whose memory it is. */
struct memory_of {
    const struct object_names *names;
    pid_t fetcher, directory;
    const pid_t *readers;
    size_t count;
};

/* From `begin` to `end` there are two spans, or more. */
void memory_begin(struct memory *memory, uint64_t begin, uint64_t end);

/* Looks; the end of a span says on stderr what it took. False: too much. */
bool memory_look(struct memory *memory, uint64_t now, const struct memory_of *of);

#endif
