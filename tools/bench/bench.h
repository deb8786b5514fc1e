/* SPDX-License-Identifier: MIT */
/* What every suite is given, and how it is found. To add one: a file with its suite_fn, and a line in suites.c. */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/figure.h"

struct bench {
    uint32_t rounds;     /* times that each figure is measured */
    uint32_t routes_max; /* sizes above are left out */
    struct figures figures;
    cpu_set_t
        cpus; /* that this process was given; where --cpu pins it to one, its children have all of them */
    bool progress; /* stderr is a terminal */
    bool pinned;
    bool patient; /* suites were named: what takes long is measured, too */
};

/* Measures and adds figures. False: it said on stderr what failed, or bench_stopped(). It cleans up in any case. */
typedef bool suite_fn(struct bench *bench);

struct suite {
    const char *name;
    const char *measures;
    suite_fn *run;
    bool slow; /* only when it is named */
};

extern const struct suite suites[]; /* the last one has no name */

suite_fn suite_lookup, suite_threads, suite_processes, suite_writer, suite_report, suite_open, suite_publish,
    suite_load, suite_poll, suite_bridge, suite_hosts, suite_fleet;

/* So many routes, or as many as --routes allows. */
static inline uint32_t bench_routes(const struct bench *bench, uint32_t wanted)
{
    return wanted < bench->routes_max ? wanted : bench->routes_max;
}

/* True once SIGINT, SIGTERM or SIGHUP has come: whatever takes longer than a moment looks now and then, and ends. */
bool bench_stopped(void);

/* In a child or a thread that shall run beside the measuring thread: undoes --cpu. */
void bench_unpin(const struct bench *bench);

/* How many processors there are to run on. */
uint32_t bench_cpus(const struct bench *bench);

/* Shows on a terminal what is being done. */
__attribute__((format(printf, 2, 3))) void bench_progress(const struct bench *bench, const char *format, ...);

/* Takes what is shown away. */
void bench_progress_end(const struct bench *bench);

#endif
