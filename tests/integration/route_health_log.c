/* SPDX-License-Identifier: MIT */
#include "tests/integration/route_health_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/log.h"
#include "conf/number.h"

/* Each is limited by itself. */
enum line_kind {
    LINE_EJECTED,
    LINE_SPARED,
    LINE_RECOVERED,
    LINE_NONE_LEFT,
    LINE_KINDS,
};

static const struct log_limit *limits[LINE_KINDS];

static struct line {
    const struct log_limit *limit;
    enum log_level level;
    char text[256];
} lines[4 * MODEL_HOSTS];
static size_t line_count;

void __wrap_log_limited(struct log_limit *limit, enum log_level level, const char *format, ...);
void __wrap_log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    va_list arguments;
    assert_in_range(line_count, 0, sizeof(lines) / sizeof(*lines) - 1);
    struct line *line = &lines[line_count++];
    line->limit = limit;
    line->level = level;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof(line->text), format, arguments);
    va_end(arguments);
}

void route_log_begin(void)
{
    memset(limits, 0, sizeof(limits));
    line_count = 0;
}

/* One line begins so and goes on so; another event has another one. */
static void expect_line(enum line_kind kind, enum log_level level, const char *begin, const char *more,
                        const char *where)
{
    size_t at = 0;
    while (at < line_count && (strncmp(lines[at].text, begin, strlen(begin)) != 0 ||
                               !strstr(lines[at].text + strlen(begin), more)))
        at++;
    if (at == line_count)
        fail_msg("%s: there is no line '%s...%s'", where, begin, more);
    assert_int_equal(lines[at].level, level);
    if (!limits[kind])
        limits[kind] = lines[at].limit;
    for (int other = 0; other < LINE_KINDS; other++)
        assert_int_equal(limits[other] == lines[at].limit, other == (int)kind);
    lines[at] = lines[--line_count];
}

static void text_of_reason(const struct model_host *before, const struct model_host *host,
                           char out[static 64])
{
    const char *text = host->reason == MODEL_ERR_RATE ? " % failures > " : " % in a window";
    if (host->reason == MODEL_STREAK)
        snprintf(out, 64, ": %u failure%s in a row", host->in_a_row, number_plural(host->in_a_row));
    else if (host->reason == MODEL_PROBES)
        snprintf(out, 64, ": %u success%s in a row", host->in_a_row, host->in_a_row == 1 ? "" : "es");
    else if (host->reason == MODEL_TIME)
        snprintf(out, 64, ": ejected for %u s", (uint32_t)(before->until - before->since) / 1000);
    else
        snprintf(out, 64, "%s", text);
}

static void expect_line_of_host(uint32_t cmdid, uint32_t at, const struct model_host *before,
                                const struct model_host *host, const char *where)
{
    char name[64], begin[160], reason[64];
    snprintf(name, sizeof(name), "route 1/%u: 10.0.0.1:%u", cmdid, at + 1);
    text_of_reason(before, host, reason);
    if (host->ejected) {
        snprintf(begin, sizeof(begin), "%s ejected for %u s (number %u in a row)", name,
                 (uint32_t)(host->until - host->since) / 1000, host->ejections);
        expect_line(LINE_EJECTED, LOG_LEVEL_WARNING, begin, reason, where);
    } else if (model_is_spared(host)) {
        snprintf(begin, sizeof(begin),
                 "%s spared, because max_ejected allows no more hosts of the route to be out", name);
        expect_line(LINE_SPARED, LOG_LEVEL_WARNING, begin, reason, where);
    } else {
        snprintf(begin, sizeof(begin), "%s %s", name,
                 host->reason == MODEL_TIME          ? "is back in rotation"
                 : host->reason == MODEL_GOOD_WINDOW ? "is not spared any more"
                                                     : "recovered");
        expect_line(LINE_RECOVERED, LOG_LEVEL_INFO, begin, reason, where);
    }
}

/* It may be said again while it is so. */
static void expect_line_of_route(uint32_t cmdid, bool is_new, const char *where)
{
    char text[64];
    snprintf(text, sizeof(text), "route 1/%u: no host is in rotation", cmdid);
    if (is_new)
        expect_line(LINE_NONE_LEFT, LOG_LEVEL_ERROR, text, "", where);
    for (size_t at = line_count; at-- > 0;)
        if (strncmp(lines[at].text, text, strlen(text)) == 0)
            lines[at] = lines[--line_count];
}

void route_log_expect(uint32_t cmdid, const struct model_route *before, const struct model_route *route,
                      const char *where)
{
    for (uint32_t at = 0; at < MODEL_HOSTS; at++)
        if (route->hosts[at].here && model_has_changed(before, route, at))
            expect_line_of_host(cmdid, at, &before->hosts[at], &route->hosts[at], where);
    if (model_has_none_left(route))
        expect_line_of_route(cmdid, !model_has_none_left(before), where);
}

void route_log_expect_end(const char *where)
{
    if (line_count > 0)
        fail_msg("%s: there is a line too many: %s", where, lines[0].text);
}
