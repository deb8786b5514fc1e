/* SPDX-License-Identifier: MIT */
#include "tools/common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum {
    LINE_SIZE = 1024,
};

const char *log_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void log_line(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, line);
}

void log_limited(struct log_limit *limit, const char *format, ...)
{
    char line[LINE_SIZE], more[64] = "";
    struct timespec now;
    va_list arguments;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < limit->next) {
        limit->held++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (limit->held)
        snprintf(more, sizeof(more), " (and %" PRIu64 " more before)", limit->held);
    log_line("%s%s", line, more);
    *limit = (struct log_limit){.next = now.tv_sec + 1};
}
