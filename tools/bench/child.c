/* SPDX-License-Identifier: MIT */
#include "tools/bench/child.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int child_start(const struct bench *bench, void (*work)(const struct bench *bench, void *context),
                void *context)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        warn("fork");
    if (pid != 0)
        return pid;
    signal(SIGINT, SIG_IGN); /* from a terminal it comes to all; the parent decides */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        bench_unpin(bench);
        work(bench, context);
    }
    _exit(0);
}

void child_join(int pid)
{
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void child_end(int pid)
{
    if (pid > 0)
        kill(pid, SIGKILL);
    child_join(pid);
}
