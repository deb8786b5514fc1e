/* SPDX-License-Identifier: MIT */
#include "tools/larshm/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <larshm/larshm.h>

/* Two units that follow each other, the second only if there is something of it. */
static struct text two_units(uint64_t amount, uint64_t ratio, const char *large, const char *small)
{
    struct text text;
    int used = snprintf(text.is, sizeof(text.is), "%" PRIu64 " %s", amount / ratio, large);
    if (amount % ratio)
        snprintf(text.is + used, sizeof(text.is) - (size_t)used, " %" PRIu64 " %s", amount % ratio, small);
    return text;
}

struct text text_span(uint64_t ms)
{
    struct text text;
    uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
    if (hours >= 24)
        return two_units(hours, 24, "d", "h");
    if (minutes >= 60)
        return two_units(minutes, 60, "h", "min");
    if (seconds >= 60)
        return two_units(seconds, 60, "min", "s");
    if (seconds)
        snprintf(text.is, sizeof(text.is), "%" PRIu64 " s", seconds);
    else
        snprintf(text.is, sizeof(text.is), "%" PRIu64 " ms", ms);
    return text;
}

struct text text_bytes(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct text text;
    if (bytes < 1024) {
        snprintf(text.is, sizeof(text.is), "%" PRIu64 " B", bytes);
        return text;
    }
    unsigned unit = 0;
    uint64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
    for (; tenths >= 10240; tenths /= 1024)
        unit++;
    if (tenths % 10)
        snprintf(text.is, sizeof(text.is), "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                 units[unit]);
    else
        snprintf(text.is, sizeof(text.is), "%" PRIu64 " %s", tenths / 10, units[unit]);
    return text;
}

struct text text_count(uint64_t count)
{
    char digits[24];
    struct text text;
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text.is[used++] = ',';
        text.is[used++] = digits[i];
    }
    text.is[used] = '\0';
    return text;
}

struct text text_time(uint64_t unix_ms)
{
    struct text text = {"?"};
    struct tm tm;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (unix_ms && localtime_r(&seconds, &tm) && strftime(text.is, sizeof(text.is), "%F %T", &tm) == 0)
        text = (struct text){"?"};
    return text;
}

struct text text_moment(uint64_t unix_ms, uint64_t now_unix_ms)
{
    struct text text = text_time(unix_ms), now = text_time(now_unix_ms);
    char *clock = strchr(text.is, ' ');
    if (clock && strncmp(text.is, now.is, (size_t)(clock - text.is)) == 0)
        memmove(text.is, clock + 1, strlen(clock));
    return text;
}

struct text text_share(uint32_t parts)
{
    struct text text;
    if (parts % 100 == 0)
        snprintf(text.is, sizeof(text.is), "%" PRIu32 " %%", parts / 100);
    else if (parts % 10 == 0)
        snprintf(text.is, sizeof(text.is), "%" PRIu32 ".%" PRIu32 " %%", parts / 100, parts / 10 % 10);
    else
        snprintf(text.is, sizeof(text.is), "%" PRIu32 ".%02" PRIu32 " %%", parts / 100, parts % 100);
    return text;
}

struct text text_percent(uint64_t part, uint64_t whole)
{
    struct text text = {"-"};
    if (whole)
        snprintf(text.is, sizeof(text.is), "%.1f %%", 100.0 * (double)part / (double)whole);
    return text;
}

struct text text_address(uint32_t address)
{
    struct text text = {"?"};
    inet_ntop(AF_INET, &address, text.is, sizeof(text.is));
    return text;
}

struct text text_host(struct host_addr host)
{
    const larshm_host named = {.addr = host.address, .port = host.port};
    struct text text = {""};
    larshm_host_format(&named, text.is, sizeof(text.is));
    return text;
}

void text_printable(const char *s_text, size_t size, char *out)
{
    size_t i = 0;
    for (; i + 1 < size; i++) {
        char c = s_text[i];
        if (c == '\0')
            break;
        out[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    out[i] = '\0';
}
