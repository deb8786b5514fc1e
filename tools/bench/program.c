/* SPDX-License-Identifier: MIT */
#include "tools/bench/program.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf/number.h"
#include "tools/bench/child.h"

enum {
    POLL_US = 500,
    START_POLLS = 120 * 1000 * 1000 / POLL_US,
};

/* A path as it is. A name: beside this program. */
static bool find_program(const char *name, char out[static PROGRAM_PATH])
{
    if (strchr(name, '/')) {
        snprintf(out, PROGRAM_PATH, "%s", name);
        return access(out, X_OK) == 0;
    }
    char self[PROGRAM_PATH / 2];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size <= 0)
        return false;
    self[size] = '\0';
    char *slash = strrchr(self, '/');
    slash[1] = '\0';
    snprintf(out, PROGRAM_PATH, "%s%.64s", self, name);
    return access(out, X_OK) == 0;
}

static void become(const struct bench *bench, void *context)
{
    struct program *program = context;
    union {
        const char *const *words;
        char *const *argv;
    } arguments = {.words = program->arguments};
    (void)bench;
    child_exec(program->log, O_TRUNC, arguments.argv);
}

bool program_start(struct program *program, const struct bench *bench, const char *name, const char *log,
                   const char *const *arguments)
{
    *program = (struct program){.name = name, .arguments = {program->path}};
    for (size_t i = 0; arguments[i] && i < PROGRAM_ARGUMENTS_MAX; i++)
        program->arguments[i + 1] = arguments[i];
    snprintf(program->log, sizeof(program->log), "%s", log);
    unlink(log);
    if (!find_program(name, program->path)) {
        warnx("%s is not here: build or install all of larshm, and run larshm-bench from there", name);
        return false;
    }
    program->child = bench_fork(bench, become, program);
    return program->child > 0;
}

/* Reads the whole log; it is short. True when it has the text. */
static bool has_printed(const struct program *program, const char *text, char rest[static PROGRAM_LINE])
{
    char line[PROGRAM_LINE];
    bool found = false;
    FILE *log = fopen(program->log, "re");
    while (log && !found && fgets(line, sizeof(line), log)) {
        const char *at = strstr(line, text);
        if ((found = at && strchr(at, '\n')))
            snprintf(rest, PROGRAM_LINE, "%.*s", (int)strcspn(at + strlen(text), "\n"), at + strlen(text));
    }
    if (log)
        fclose(log);
    return found;
}

/* The last line of the log most likely says why it ended. */
static void warn_ended(const struct program *program)
{
    char line[PROGRAM_LINE] = "";
    FILE *log = fopen(program->log, "re");
    while (log && fgets(line, sizeof(line), log))
        continue;
    if (log)
        fclose(log);
    line[strcspn(line, "\n")] = '\0';
    warnx("%s has ended: %s", program->name, *line ? line : "it printed nothing");
}

bool program_await(struct program *program, const char *text, char rest[static PROGRAM_LINE])
{
    for (int i = 0; i < START_POLLS && !bench_stopped(); i++) {
        bool ended = waitpid(program->child, NULL, WNOHANG) == program->child;
        if (has_printed(program, text, rest))
            return true;
        if (ended) {
            program->child = 0;
            warn_ended(program);
            return false;
        }
        usleep(POLL_US);
    }
    if (!bench_stopped())
        warnx("%s did not print \"%s\" in time", program->name, text);
    return false;
}

bool program_await_port(struct program *program, const char *text, in_port_t *port)
{
    char rest[PROGRAM_LINE];
    uint32_t number;
    if (!program_await(program, text, rest))
        return false;
    if (!number_parse(rest, 1, UINT16_MAX, &number)) {
        warnx("%s printed \"%s%s\": that ends with no port", program->name, text, rest);
        return false;
    }
    *port = (in_port_t)number;
    return true;
}

bool program_finish(struct program *program)
{
    int status = -1;
    while (waitpid(program->child, &status, 0) < 0 && errno == EINTR && !bench_stopped())
        continue;
    if (bench_stopped())
        return false;
    program->child = 0;
    if (status != 0)
        warn_ended(program);
    return status == 0;
}

/* "..., 12 answers" in the last line that has the text. */
static bool number_before(const struct program *program, const char *text, uint64_t *number)
{
    char line[PROGRAM_LINE];
    bool found = false;
    FILE *log = fopen(program->log, "re");
    while (log && fgets(line, sizeof(line), log)) {
        const char *at = strstr(line, text);
        while (at && at > line && isdigit((unsigned char)at[-1]))
            at--;
        if (at && isdigit((unsigned char)*at)) {
            *number = strtoull(at, NULL, 10);
            found = true;
        }
    }
    if (log)
        fclose(log);
    return found;
}

bool program_end(struct program *program, const char *text, uint64_t *number)
{
    kill(program->child, SIGTERM);
    if (!program_finish(program))
        return false;
    if (number_before(program, text, number))
        return true;
    warnx("%s did not print \"%s\" at its end", program->name, text);
    return false;
}

void program_kill(struct program *program)
{
    child_end(program->child);
    program->child = 0;
}

uint64_t program_cpu(const struct program *program)
{
    clockid_t clock;
    struct timespec used = {0};
    if (clock_getcpuclockid(program->child, &clock) == 0)
        clock_gettime(clock, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}
