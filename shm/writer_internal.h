/* SPDX-License-Identifier: MIT */
/* What writer.c (routes) and instance.c (objects) share; nobody else includes it. */
#ifndef SHM_WRITER_INTERNAL_H
#define SHM_WRITER_INTERNAL_H

#include "shm/generation.h"
#include "shm/harvest.h"
#include "shm/writer.h"

enum {
    DRAINING_MAX = 4,
    COMPACT_MS = 10 * 1000, /* a new generation that is no larger is made at most this often */
};

/* The control object of a replaced generation: its clients count into it until they have moved on. */
struct draining {
    struct region region;
    struct control control;
    uint64_t until;
};

struct writer {
    struct object_names names;
    struct generation now;
    struct draining draining[DRAINING_MAX];
    struct harvest_cursor cursor;
    uint64_t max_bytes;
    uint64_t compacted; /* tick of the last generation that was made without growing */
    uint32_t grace_ms, max_unknown;
    gid_t group;
    int lock;
    char directory[DIRECTORY_NAME];
};

static inline struct routes_header *writer_header(const struct writer *writer)
{
    return writer->now.publisher.routes.s_header;
}

/* Makes a generation with nothing in it that has expired, unless one was made within COMPACT_MS. */
void writer_compact(struct writer *writer, uint64_t now, char note[static WRITER_NOTE_MAX]);

/* Makes one with room for another key and `more_units` more. SHM_FULL: max_bytes forbids it. */
enum shm_status writer_grow(struct writer *writer, uint32_t more_units, uint64_t now,
                            char note[static WRITER_NOTE_MAX]);

#endif
