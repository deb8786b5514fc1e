/* SPDX-License-Identifier: MIT */
#include "tools/bench/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

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

void machine_look(const struct bench *bench, struct machine *out)
{
    struct utsname names;
    *out = (struct machine){
        .cores = bench_cpus(bench),
        .kernel = "unknown",
        .compiler = BENCH_COMPILER,
        .flags = BENCH_FLAGS,
        .commit = BENCH_COMMIT,
        .lmdb = BENCH_LMDB_VERSION,
    };
    getloadavg(&out->load, 1);
    read_cpu(out->cpu, sizeof(out->cpu));
    if (uname(&names) == 0)
        snprintf(out->kernel, sizeof(out->kernel), "%s %s %s", names.sysname, names.release, names.machine);
}
