/* SPDX-License-Identifier: MIT */
/* What every suite is given. To add a suite: its suite_fn, declared here, and a line in bench.c. */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/figure.h"

struct library;

struct bench {
    uint32_t rounds;       /* times that each figure is measured */
    uint32_t routes_max;   /* larger sizes are left out */
    uint32_t fetchers_max; /* likewise */
    struct figures figures;
    const struct library *against; /* that lookups are compared with, in place of the peers; NULL: none */
    cpu_set_t cpus;                /* of this process before --cpu; its children get them all */
    bool progress;                 /* stderr is a terminal */
    bool pinned;
    bool patient; /* suites were named: sizes that take long are measured too */
};

/* Measures and adds figures. False: said on stderr, or bench_stopped(). Cleans up in any case. */
typedef bool suite_fn(struct bench *bench);

struct suite {
    const char *name;
    const char *measures;
    suite_fn *run;
    bool slow; /* only when it is named */
};

extern const struct suite suites[]; /* the last one has no name */

suite_fn suite_lookup, suite_threads, suite_processes, suite_writer, suite_report, suite_open, suite_publish,
    suite_load, suite_poll, suite_bridge, suite_hosts, suite_fleet, suite_snapshot, suite_zipf;

/* Where and with what the figures were measured. */
struct machine {
    char cpu[96], kernel[256];
    uint32_t cores; /* of this process */
    double load;    /* average of the last minute at the start */
    const char *compiler, *flags, *commit, *lmdb, *dpdk, *ck;
};

void machine_read(const struct bench *bench, struct machine *out);

/* So many routes, or as many as --routes allows. */
static inline uint32_t bench_routes(const struct bench *bench, uint32_t wanted)
{
    return wanted < bench->routes_max ? wanted : bench->routes_max;
}

/* From now on SIGINT, SIGTERM and SIGHUP stop the bench. */
void bench_catch_signals(void);

/* The signal that came, or 0. What takes longer than a moment checks it, and ends. */
int bench_stopped(void);

/* Restricts this process to one processor, for --cpu. False: said on stderr. */
bool bench_pin(struct bench *bench, int cpu);

/* In a child or a thread that runs beside the measuring thread: undoes --cpu. */
void bench_unpin(const struct bench *bench);

/* How many processors there are to run on. */
uint32_t bench_cpus(const struct bench *bench);

/* Starts a process that runs `work` and ends when it returns. Returns its pid; -1: said on stderr. See child.h. */
int bench_fork(const struct bench *bench, void (*work)(const struct bench *bench, void *context),
               void *context);

/* Shows on a terminal what is being done. */
__attribute__((format(printf, 2, 3))) void bench_progress(const struct bench *bench, const char *format, ...);

/* Clears that line. */
void bench_progress_end(const struct bench *bench);

#endif
