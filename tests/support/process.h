/* SPDX-License-Identifier: MIT */
/* A program under test: started, signalled, waited for, and never left behind. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* Zero-initialise. */
struct process {
    pid_t pid;     /* 0: none */
    char log[128]; /* the file that its stdout and stderr are appended to */
};

/* Starts argv[0]. It dies with the thread that started it, should that not end it. */
void process_start(struct process *process, const char *log, char *const argv[]);

bool process_alive(struct process *process);
void process_signal(const struct process *process, int number);

/* Waits for the end: its exit status, or 128 plus the signal that ended it. */
int process_wait(struct process *process);

/* Ends it, stopped or not. No process is fine. */
void process_kill(struct process *process);

/* How often it has written `text`; the log of all processes that were started on the file counts. */
unsigned process_said(const struct process *process, const char *text);

/* Waits for the port of loopback that it says it listens on; `start` counts the programs that were started on its log,
 * from 1. */
in_port_t process_port(const struct process *process, unsigned start);

/* KiB of memory that are its own. */
long process_memory(const struct process *process);

#endif
