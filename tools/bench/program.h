/* SPDX-License-Identifier: MIT */
/* The programs of larshm, as installed or built, run beside the measuring process. They end with it. */
#ifndef TOOLS_BENCH_PROGRAM_H
#define TOOLS_BENCH_PROGRAM_H

#include <netinet/in.h>

#include "tools/bench/bench.h"

enum {
    PROGRAM_PATH = 256,
    PROGRAM_LINE = 256,
    PROGRAM_ARGUMENTS_MAX = 14,
};

struct program {
    const char *name;
    int child; /* 0: it does not run */
    char path[PROGRAM_PATH], log[PROGRAM_PATH];
    const char *arguments[PROGRAM_ARGUMENTS_MAX + 2];
};

/*
 * Starts the program `name` that is beside this one, or the one that a path names. What it prints goes to the file
 * `log`. `arguments` end with NULL. False: said on stderr.
 */
bool program_start(struct program *program, const struct bench *bench, const char *name, const char *log,
                   const char *const *arguments);

/* Waits until it has printed a line with `text`; `rest` is what follows there. False: said on stderr, or stopped. */
bool program_await(struct program *program, const char *text, char rest[static PROGRAM_LINE]);

/* The same, where a port is all that follows. */
bool program_await_port(struct program *program, const char *text, in_port_t *port);

/* Waits until it ends by itself. False: not with success; said on stderr. */
bool program_finish(struct program *program);

/* Ends it as an operator would, and takes the number that it prints before `text`. False: said on stderr, or stopped. */
bool program_end(struct program *program, const char *text, uint64_t *number);

/* Kills it. Nothing for a program that does not run. */
void program_kill(struct program *program);

/* Processor time that it has used, in nanoseconds. */
uint64_t program_cpu(const struct program *program);

#endif
