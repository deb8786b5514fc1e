/* SPDX-License-Identifier: MIT */
#include "tools/common/source.h"

#include <search.h>
#include <stdlib.h>

static int by_address(const void *one, const void *other)
{
    const struct source *a = one, *b = other;
    return (a->address > b->address) - (a->address < b->address);
}

struct source *source_take(void **sources, in_addr_t address, uint32_t most)
{
    struct source *const *found = tfind(&(struct source){.address = address}, sources, by_address);
    struct source *source = found ? *found : calloc(1, sizeof(*source));
    if (!source || source->count >= most)
        return NULL;
    source->address = address;
    if (!found && !tsearch(source, sources, by_address)) {
        free(source);
        return NULL;
    }
    source->count++;
    return source;
}

void source_return(void **sources, struct source *source)
{
    if (--source->count > 0)
        return;
    tdelete(source, sources, by_address);
    free(source);
}
