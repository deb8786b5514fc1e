/* SPDX-License-Identifier: MIT */
#include "fetcher/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "shm/clock.h"

enum {
    LINE_MAX_BYTES = 1024,
    LIMIT_MS = 1000
};

static enum log_level level_now = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    level_now = level;
}

/* One write(2) per line, so that lines of several processes do not mix. */
static void write_line(enum log_level level, const char *text, uint64_t suppressed)
{
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
    char line[LINE_MAX_BYTES + 128];
    char more[64] = "";
    if (suppressed)
        snprintf(more, sizeof(more), " (and %" PRIu64 " times more)", suppressed);
    int size = snprintf(line, sizeof(line), "%slarshm-fetcher: %s%s\n",
                        isatty(STDERR_FILENO) ? "" : priorities[level], text, more);
    if (size > 0 && write(STDERR_FILENO, line, (size_t)size) < 0)
        return; /* there is no other place to report it */
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;
    if (level > level_now)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(level, text, 0);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;
    uint64_t now = clock_tick();
    if (level > level_now)
        return;
    if (now < limit->next) {
        limit->suppressed++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(level, text, limit->suppressed);
    *limit = (struct log_limit){.next = now + LIMIT_MS};
}
