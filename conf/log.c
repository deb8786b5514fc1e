/* SPDX-License-Identifier: MIT */
#include "conf/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_MAX = 128,
    TEXT_MAX = 1024,
    LIMIT_MS = 1000,
};

static enum log_level level_now = LOG_LEVEL_INFO;
static bool is_daemon;
static _Atomic unsigned lost; /* lines that stderr did not take */

void log_set_level(enum log_level level)
{
    level_now = level;
}

void log_daemon(void)
{
    is_daemon = true;
    signal(SIGPIPE, SIG_IGN);
}

/* $JOURNAL_STREAM may be inherited by a program whose stderr goes elsewhere: systemd.exec(5) has the files compared. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;
    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

/*
 * One write for each line, so that lines of several processes do not mix. A pipe or terminal that nothing reads must not
 * stop the program, and its flags belong to every process that shares it: poll() finds out, for a pipe that is ready has
 * room for PIPE_BUF bytes, and a line is shorter.
 */
static bool write_at_once(const char *line, size_t size)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT &&
           write(STDERR_FILENO, line, size) == (ssize_t)size;
}

/* All in front of the text. */
static void write_head(enum log_level level, char out[static HEAD_MAX])
{
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
    static const char *const words[] = {"error", "warning", "info", "debug"};
    char first[HEAD_MAX / 2] = "";
    if (stderr_is_journal()) {
        strcpy(first, priorities[level]);
    } else if (is_daemon) {
        struct timespec now;
        struct tm utc;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        size_t length = strftime(first, sizeof(first), "%FT%T", &utc);
        snprintf(first + length, sizeof(first) - length, ".%03ldZ %s ", now.tv_nsec / 1000000, words[level]);
    }
    snprintf(out, HEAD_MAX, "%s%.32s: ", first, program_invocation_short_name);
}

static void write_lost(void)
{
    char head[HEAD_MAX], line[HEAD_MAX + 64];
    unsigned count = lost;
    write_head(LOG_LEVEL_WARNING, head);
    int size = snprintf(line, sizeof(line), "%s%u log line%s lost: stderr took no more\n", head, count,
                        count == 1 ? " was" : "s were");
    if (write_at_once(line, (size_t)size))
        lost -= count;
}

static void write_line(enum log_level level, const char *text, uint64_t suppressed)
{
    char head[HEAD_MAX], line[HEAD_MAX + TEXT_MAX + 64], more[64] = "";
    if (suppressed)
        snprintf(more, sizeof(more), " (%" PRIu64 " more of this kind suppressed)", suppressed);
    write_head(level, head);
    int size = snprintf(line, sizeof(line), "%s%s%s\n", head, text, more);
    if (lost)
        write_lost();
    if (!write_at_once(line, (size_t)size))
        lost++;
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    if (level > level_now)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(level, text, 0);
}

/* True if a line may be written now, and then it is one that counts. */
static bool limit_allows(struct log_limit *limit)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t ahead = limit->burst > 1 ? (limit->burst - UINT64_C(1)) * LIMIT_MS : 0;
    if (now_ms + ahead < limit->next)
        return false;
    limit->next = (now_ms > limit->next ? now_ms : limit->next) + LIMIT_MS;
    return true;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    if (level > level_now)
        return;
    if (!limit_allows(limit)) {
        limit->suppressed++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(level, text, limit->suppressed);
    limit->suppressed = 0;
}

void log_limit_flush(struct log_limit *limit, enum log_level level, const char *what)
{
    if (limit->suppressed == 0 || !limit_allows(limit))
        return;
    log_line(level, "%" PRIu64 " more %s", limit->suppressed, what);
    limit->suppressed = 0;
}
