/* SPDX-License-Identifier: MIT */
#include "tools/bench/program.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/child.h"

enum {
    LOOK_US = 500,
    START_LOOKS = 120 * 1000 * 1000 / LOOK_US,
};

/* Beside this program; or, as it is installed, daemons in `sbin`. */
static bool find_program(const char *name, char out[static SITE_PATH])
{
    static const char *const places[] = {"", "../sbin/"};
    char self[SITE_PATH / 2];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size <= 0)
        return false;
    self[size] = '\0';
    char *slash = strrchr(self, '/');
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        snprintf(out, SITE_PATH, "%s%s%.64s", self, places[i], name);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

static void become(const struct bench *bench, void *context)
{
    struct program *program = context;
    union {
        const char *const *words;
        char *const *argv;
    } arguments = {.words = program->arguments};
    int log = open(program->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)bench;
    if (log >= 0 && dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
        execv(program->path, arguments.argv);
}

bool program_start(struct program *program, const struct bench *bench, const struct site *site,
                   const char *name, const char *const *arguments)
{
    *program = (struct program){.name = name, .arguments = {name}};
    for (size_t i = 0; arguments[i] && i < PROGRAM_ARGUMENTS_MAX; i++)
        program->arguments[i + 1] = arguments[i];
    site_path(site, name, program->log);
    unlink(program->log);
    if (!find_program(name, program->path)) {
        warnx("%s is not here: build or install all of larshm, and run larshm-bench from there", name);
        return false;
    }
    program->child = child_start(bench, become, program);
    return program->child > 0;
}

/* Reads the log anew: it is short. True when it has the text. */
static bool said(const struct program *program, const char *text, char rest[static PROGRAM_LINE])
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

/* What it printed last is most likely why it ended. */
static void tell_end(const struct program *program)
{
    char line[PROGRAM_LINE] = "";
    FILE *log = fopen(program->log, "re");
    while (log && fgets(line, sizeof(line), log))
        continue;
    if (log)
        fclose(log);
    line[strcspn(line, "\n")] = '\0';
    warnx("%s has ended: %s", program->name, *line ? line : "without a word");
}

bool program_await(struct program *program, const char *text, char rest[static PROGRAM_LINE])
{
    for (int i = 0; i < START_LOOKS && !bench_stopped(); i++) {
        bool ended = waitpid(program->child, NULL, WNOHANG) == program->child;
        if (said(program, text, rest))
            return true;
        if (ended) {
            program->child = 0;
            tell_end(program);
            return false;
        }
        usleep(LOOK_US);
    }
    if (!bench_stopped())
        warnx("%s does not say \"%s\"", program->name, text);
    return false;
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
        tell_end(program);
    return status == 0;
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

uint64_t program_memory(const struct program *program)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", program->child);
    FILE *file = fopen(path, "re");
    while (file && kib == 0 && fgets(line, sizeof(line), file))
        sscanf(line, "RssAnon: %llu", &kib);
    if (file)
        fclose(file);
    return kib * 1024;
}
