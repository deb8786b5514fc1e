/* SPDX-License-Identifier: MIT */
#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/eventually.h"
#include "tools/bench/child.h"

void process_start(struct process *process, const char *log, char *const argv[])
{
    snprintf(process->log, sizeof(process->log), "%s", log);
    process->pid = child_fork();
    if (process->pid == 0)
        child_exec(log, O_APPEND, argv);
    assert_true(process->pid > 0);
}

/* True once it has ended. */
static bool reap(struct process *process, int *status)
{
    if (waitpid(process->pid, status, WNOHANG) != process->pid)
        return false;
    process->pid = 0;
    return true;
}

bool process_alive(struct process *process)
{
    int status;
    return process->pid > 0 && !reap(process, &status);
}

void process_signal(const struct process *process, int number)
{
    assert_true(process->pid > 0);
    assert_int_equal(kill(process->pid, number), 0);
}

int process_wait(struct process *process)
{
    int status = 0;
    assert_true(process->pid > 0);
    eventually(reap(process, &status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_kill(struct process *process)
{
    child_end(process->pid);
    process->pid = 0;
}

/* The whole file and a NUL; NULL when there is none yet. */
static char *read_log(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    assert_int_equal(fstat(fd, &st), 0);
    char *text = calloc(1, (size_t)st.st_size + 1);
    assert_non_null(text);
    assert_true(read(fd, text, (size_t)st.st_size) >= 0);
    close(fd);
    return text;
}

unsigned process_said(const struct process *process, const char *text)
{
    unsigned count = 0;
    char *log = read_log(process->log);
    for (const char *at = log; at && (at = strstr(at, text)); at += strlen(text))
        count++;
    free(log);
    return count;
}

static in_port_t read_port(const struct process *process, unsigned start)
{
    char line[512];
    unsigned seen = 0, port = 0, found;
    FILE *file = fopen(process->log, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "listening on 127.0.0.1:%u", &found) == 1 && ++seen == start)
            port = found;
    if (file)
        fclose(file);
    return (in_port_t)port;
}

in_port_t process_port(const struct process *process, unsigned start)
{
    in_port_t port;
    eventually((port = read_port(process, start)) != 0);
    return port;
}

long process_memory(const struct process *process)
{
    size_t bytes = child_memory(process->pid);
    assert_true(bytes > 0);
    return (long)(bytes / 1024);
}
