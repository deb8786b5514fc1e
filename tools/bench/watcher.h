/* SPDX-License-Identifier: MIT */
/* A process that does nothing but look one route up, and notes when it first saw each of its tables. */
#ifndef TOOLS_BENCH_WATCHER_H
#define TOOLS_BENCH_WATCHER_H

#include "tools/bench/bench.h"

struct watcher_page;

struct watcher {
    const char *instance;
    struct watcher_page *page; /* shared with the child */
    int child;
};

enum {
    WATCHER_HOSTS = 4,
    WATCHER_TABLES = 10000, /* numbers of tables: below this */
};

/*
 * Watches route 0 of the instance. Table number n has WATCHER_HOSTS hosts, WATCHER_HOSTS * n ports higher than usual.
 * False: said on stderr. Close it in any case.
 */
bool watcher_open(struct watcher *watcher, const struct bench *bench, const char *instance);
void watcher_close(struct watcher *watcher);

/* Waits until table `number` was seen; *ns is clock_ns() of that moment. False: said on stderr, or bench_stopped(). */
bool watcher_await(const struct watcher *watcher, uint32_t number, uint64_t *ns);

#endif
