/* SPDX-License-Identifier: MIT */
/* A process that looks up without pause, beside the measuring process. */
#ifndef TOOLS_BENCH_READERS_H
#define TOOLS_BENCH_READERS_H

#include <larshm/larshm.h>

#include "tools/bench/bench.h"

enum {
    TABLE_HOSTS = 4,
    TABLES = 10000, /* numbers of tables: below this */
};

struct reader {
    const char *instance; /* of reader_open_tables() */
    larshm *handle;       /* of reader_open_random() */
    uint32_t routes, hosts;
    struct reader_page *page; /* shared with the process */
    int child;
};

/*
 * Looks up route 0 of the instance, and records when it first saw each of its tables. Table n has TABLE_HOSTS hosts,
 * TABLE_HOSTS * n ports higher than usual. False: said on stderr. Close it in any case.
 */
bool reader_open_tables(struct reader *reader, const struct bench *bench, const char *instance);

/* Waits until it has seen table `number`; *ns is clock_ns() of that moment. False: said on stderr, or bench_stopped(). */
bool reader_await(const struct reader *reader, uint32_t number, uint64_t *ns);

/* Looks up routes of a fixture at random, through the handle. False: said on stderr. Close it in any case. */
bool reader_open_random(struct reader *reader, const struct bench *bench, larshm *handle, uint32_t routes,
                        uint32_t hosts);

/* Its lookups so far, and how many of them gave no host of the route. */
uint64_t reader_done(const struct reader *reader);
uint64_t reader_failed(const struct reader *reader);

void reader_close(struct reader *reader);

#endif
