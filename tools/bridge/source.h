/* SPDX-License-Identifier: MIT */
/* The instance that all ports answer from. It may come later than the bridge. */
#ifndef TOOLS_BRIDGE_SOURCE_H
#define TOOLS_BRIDGE_SOURCE_H

#include <larshm/larshm.h>

/* One thread opens and closes, all may get the routes. Zero-initialise, and set the instance. */
struct source {
    const char *instance;
    _Atomic(larshm *) routes; /* NULL: not open; once it is, it stays */
    _Atomic int code;         /* why not */
};

/* Tries to open the instance. Returns a code of larshm.h; one that has changed is logged. */
int source_open(struct source *source);
void source_close(struct source *source);

/* 0: *out is the handle. Otherwise the code that source_open() got last. */
int source_routes(struct source *source, larshm **out);

#endif
