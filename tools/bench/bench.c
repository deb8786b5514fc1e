/* SPDX-License-Identifier: MIT */
#include "tools/bench/bench.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "conf/system_error.h"
#include "tools/bench/child.h"

const struct suite suites[] = {
    {"lookup", "ns per lookup, from 1 to 1,000,000 routes, beside hash tables, LMDB, UDP and memory",
     suite_lookup, .slow = false},
    {"zipf", "ns per lookup where a few routes are most of them, in ten instances", suite_zipf,
     .slow = false},
    {"threads", "lookups and reports a second of 1, 2, ... threads that share a handle", suite_threads,
     .slow = false},
    {"processes", "lookups and reports a second of 1, 2, ... processes", suite_processes, .slow = false},
    {"writer", "percentiles of single lookups while another process publishes", suite_writer, .slow = false},
    {"report", "ns per larshm_report, beside a cds_lfht lookup", suite_report, .slow = false},
    {"open", "larshm_open and larshm_close", suite_open, .slow = false},
    {"publish", "publishes a second, bytes per route, and how soon another process sees one", suite_publish,
     .slow = false},
    {"poll", "processor time of an idle fetcher; from a refresh flag to the request", suite_poll,
     .slow = false},
    {"bridge", "requests a second of larshm-bridge, beside an echo loop", suite_bridge, .slow = false},
    {"hosts", "lookup, publish and bytes of a route of 10 to 10,900 hosts", suite_hosts, .slow = false},
    {"fleet", "answers and pushes of one larshm-dns to many connections", suite_fleet, .slow = false},
    {"snapshot", "taking, writing and reading the file that outlives a reboot", suite_snapshot,
     .slow = false},
    {"load", "1 to 1,000,000 routes from larshm-dns; a fetcher killed and started again", suite_load,
     .slow = true},
    {0},
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* Without SA_RESTART: system calls that wait return, and their caller checks bench_stopped(). */
void bench_catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

int bench_stopped(void)
{
    return stop_signal;
}

bool bench_pin(struct bench *bench, int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((unsigned)cpu, &one);
    bench->pinned = true;
    if (sched_setaffinity(0, sizeof(one), &one) == 0)
        return true;
    warn("processor %d", cpu);
    return false;
}

void bench_unpin(const struct bench *bench)
{
    if (bench->pinned)
        sched_setaffinity(0, sizeof(bench->cpus), &bench->cpus);
}

uint32_t bench_cpus(const struct bench *bench)
{
    return (uint32_t)CPU_COUNT(&bench->cpus);
}

int bench_fork(const struct bench *bench, void (*work)(const struct bench *bench, void *context),
               void *context)
{
    pid_t pid = child_fork();
    if (pid < 0)
        warnx("cannot start a process: %s", system_error_thread_text(errno));
    if (pid != 0)
        return pid;
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the parent decides */
    bench_unpin(bench);
    work(bench, context);
    _exit(0);
}

void bench_progress(const struct bench *bench, const char *format, ...)
{
    va_list arguments;
    if (!bench->progress)
        return;
    va_start(arguments, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void bench_progress_end(const struct bench *bench)
{
    if (bench->progress)
        fputs("\r\033[K", stderr);
}

/* "model name	: ..." of the first processor. */
static void read_cpu(char *out, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(out, size, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        const char *value = strstr(line, ": ");
        if (strncmp(line, "model name", strlen("model name")) != 0 || !value)
            continue;
        snprintf(out, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
        break;
    }
    if (file)
        fclose(file);
}

void machine_read(const struct bench *bench, struct machine *out)
{
    struct utsname names;
    *out = (struct machine){
        .cores = bench_cpus(bench),
        .kernel = "unknown",
        .compiler = BENCH_COMPILER,
        .flags = BENCH_FLAGS,
        .commit = BENCH_COMMIT,
        .lmdb = BENCH_LMDB_VERSION,
        .ck = BENCH_CK_VERSION,
        .dpdk = BENCH_DPDK_VERSION,
    };
    getloadavg(&out->load, 1);
    read_cpu(out->cpu, sizeof(out->cpu));
    if (uname(&names) == 0)
        snprintf(out->kernel, sizeof(out->kernel), "%s %s %s", names.sysname, names.release, names.machine);
}
