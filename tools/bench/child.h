/* SPDX-License-Identifier: MIT */
/* Child processes. They end with the process that started them, whatever ends it. */
#ifndef TOOLS_BENCH_CHILD_H
#define TOOLS_BENCH_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* As fork(). The child is killed when the thread that started it ends. */
pid_t child_fork(void);

/* In a child: runs the program argv[0]; `log` gets what it prints. `log_flags` are O_TRUNC or O_APPEND. */
_Noreturn void child_exec(const char *log, int log_flags, char *const argv[]);

/* Kills it and waits for its end. Does nothing for a pid that is not positive. */
void child_end(pid_t pid);

/* Waits until it ends by itself. */
void child_join(pid_t pid);

/* Its private memory in bytes; 0: unknown. */
size_t child_memory(pid_t pid);

/* Zeroed memory shared with children that are forked later. NULL: said on stderr. */
void *child_share(size_t bytes);
void child_unshare(void *shared, size_t bytes);

#endif
