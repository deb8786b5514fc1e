/* SPDX-License-Identifier: MIT */
#include "tests/torture/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/child.h"
#include "tools/bench/private_instance.h"

enum {
    LONGEST_SPAN = 600000 /* ms */
};

static void grow(uint64_t *most, uint64_t bytes)
{
    if (bytes > *most)
        *most = bytes;
}

static bool fits(uint64_t now, uint64_t first, uint64_t slack)
{
    return now <= first + first / 2 + slack;
}

static void print(const struct memory_use *use, const char *what, uint64_t ms)
{
    fprintf(stderr,
            "%s %" PRIu64 " s: at most %" PRIu64 " KiB of objects, fetcher %" PRIu64 " KiB, a reader %" PRIu64
            " KiB, torture %" PRIu64 " KiB\n",
            what, ms / 1000, use->objects >> 10, use->fetcher >> 10, use->readers >> 10, use->torture >> 10);
}

void memory_begin(struct memory *memory, uint64_t begin, uint64_t end)
{
    uint64_t span = (end - begin) / 2;
    *memory = (struct memory){.begin = begin, .span = span < LONGEST_SPAN ? span : LONGEST_SPAN};
    memory->next = begin + memory->span;
}

/* Whether the span that ends now took no more than it may. */
static bool end_span(struct memory *memory, uint64_t now)
{
    bool is_first = memory->next == memory->begin + memory->span;
    if (is_first)
        memory->first = memory->now;
    const struct memory_use *first = &memory->first, *use = &memory->now;
    bool well = fits(use->objects, first->objects, MEMORY_OBJECTS_SLACK) &&
                fits(use->fetcher, first->fetcher, MEMORY_SLACK) &&
                fits(use->readers, first->readers, MEMORY_SLACK) &&
                fits(use->torture, first->torture, MEMORY_SLACK);
    print(use, well ? "memory, after" : "memory HAS GROWN, after", now - memory->begin);
    if (!well)
        print(first, "memory of the first", memory->span);
    memory->now = (struct memory_use){0};
    memory->next += memory->span;
    return well;
}

bool memory_look(struct memory *memory, uint64_t now, const struct memory_of *of)
{
    struct memory_use *use = &memory->now;
    if (now < memory->begin)
        return true;
    grow(&use->objects, private_instance_bytes(of->names));
    grow(&use->fetcher, child_memory(of->fetcher));
    grow(&use->torture, child_memory(getpid()));
    grow(&use->torture, child_memory(of->directory));
    for (size_t i = 0; i < of->count; i++)
        grow(&use->readers, child_memory(of->readers[i]));
    return now < memory->next || end_span(memory, now);
}
