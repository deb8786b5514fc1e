/* SPDX-License-Identifier: MIT */
#include "tools/bench/child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t child_fork(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) /* it ended before that */
            _exit(0);
    }
    return pid;
}

void child_exec(const char *log, int log_flags, char *const argv[])
{
    int out = open(log, O_WRONLY | O_CREAT | log_flags, 0600);
    if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        execv(argv[0], argv);
    _exit(127);
}

void child_join(pid_t pid)
{
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void child_end(pid_t pid)
{
    if (pid > 0)
        kill(pid, SIGKILL);
    child_join(pid);
}

size_t child_memory(pid_t pid)
{
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file && kib == 0 && fgets(line, sizeof(line), file))
        sscanf(line, "RssAnon: %zu", &kib);
    if (file)
        fclose(file);
    return kib * 1024;
}

void *child_share(size_t bytes)
{
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED)
        return shared;
    warn("shared memory for a child process");
    return NULL;
}

void child_unshare(void *shared, size_t bytes)
{
    if (shared)
        munmap(shared, bytes);
}
