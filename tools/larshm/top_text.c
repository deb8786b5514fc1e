/* SPDX-License-Identifier: MIT */
#include "tools/larshm/top_text.h"

#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/number.h"
#include "shm/region.h"
#include "tools/larshm/host_health.h"
#include "tools/larshm/text.h"

static_assert((int)TOP_ROUTES < (int)TOP_LINES, "all routes have a line");

__attribute__((format(printf, 3, 4))) static void add(struct top_section *section, enum tint tint,
                                                      const char *format, ...)
{
    va_list arguments;
    if (section->count == TOP_LINES)
        return;
    struct top_line *line = &section->lines[section->count++];
    line->tint = tint;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof(line->text), format, arguments);
    va_end(arguments);
}

static struct text rate_text(double rate)
{
    static const double most = 1e15; /* more is damage, and may be no whole number */
    struct text text = {"-"};
    if (rate >= 10)
        return text_count((uint64_t)((rate < most ? rate : most) + 0.5));
    if (rate >= 0)
        snprintf(text.is, sizeof(text.is), rate > 0 ? "%.1f" : "%.0f", rate);
    return text;
}

static struct text share_text(double share)
{
    struct text text = {"-"};
    if (share >= 0)
        snprintf(text.is, sizeof(text.is), "%.1f", 100 * share);
    return text;
}

static void add_fetcher(struct top_section *section, const struct facts *facts, uint64_t unix_ms)
{
    const uint64_t since = unix_ms > facts->since_unix_ms ? unix_ms - facts->since_unix_ms : 0;
    switch (facts->fetcher) {
    case FETCHER_IS_ALIVE:
        add(section, TINT_GOOD, "fetcher    alive, pid %" PRIu32 ", for %s", facts->pid, text_span(since).is);
        break;
    case FETCHER_IS_SILENT:
        add(section, TINT_TROUBLE, "fetcher    NOT ALIVE: silent for %s, was pid %" PRIu32,
            text_span(facts->silent_ms).is, facts->pid);
        break;
    default:
        add(section, TINT_TROUBLE, "fetcher    NOT ALIVE: stopped cleanly %s ago", text_span(since).is);
    }
}

static void add_directory(struct top_section *section, const struct facts *facts)
{
    static const char *const states[] = {
        [CONNECTION_NONE] = "not connected",
        [CONNECTION_CONNECTING] = "connecting",
        [CONNECTION_UP] = "connected",
        [CONNECTION_WAITING] = "NOT CONNECTED",
    };
    const bool up = facts->connection == CONNECTION_UP, silent = up && facts->counters[COUNTER_unanswered];
    const enum tint tint = silent || facts->connection == CONNECTION_WAITING ? TINT_TROUBLE
                           : up                                              ? TINT_GOOD
                                                                             : TINT_WARNING;
    add(section, tint, "directory  %.160s, %s for %s%s", *facts->directory ? facts->directory : "?",
        states[facts->connection], text_span(facts->connection_age_ms).is,
        silent ? ", and it DOES NOT ANSWER" : "");
}

static void add_memory(struct top_section *section, const struct facts *facts)
{
    add(section, TINT_NONE, "memory     %s of at most %s; %s in tables, hosts %s",
        text_bytes(facts->object_bytes).is, text_bytes(facts->max_bytes).is,
        text_bytes(facts->counters[COUNTER_units_live] * UNIT_BYTES).is, text_bytes(facts->hosts_bytes).is);
    if (limit_reached(facts))
        add(section, TINT_TROUBLE, "limit      %s", limit_text(facts).is);
}

static void add_routes(struct top_section *section, const struct facts *facts)
{
    const uint64_t *counters = facts->counters;
    const bool trouble = counters[COUNTER_overloaded] > 0;
    add(section,
        trouble                  ? TINT_TROUBLE
        : counters[COUNTER_held] ? TINT_WARNING
                                 : TINT_NONE,
        "routes     %s with hosts, %s known not to exist, %s held; %s host%s overloaded",
        text_count(counters[COUNTER_routes]).is, text_count(counters[COUNTER_negative]).is,
        text_count(counters[COUNTER_held]).is, text_count(counters[COUNTER_overloaded]).is,
        number_plural(counters[COUNTER_overloaded]));
}

static struct text rate_if(const struct top_rates *rates, double rate)
{
    return rate_text(rates->known ? rate : -1);
}

static void add_rates(struct top_section *section, const struct top_rates *rates)
{
    const double *counters = rates->counters;
    add(section, TINT_NONE, "per s      lookups %s, missed %s, expired %s", rate_if(rates, rates->lookups).is,
        rate_if(rates, rates->missed).is, rate_if(rates, rates->expired).is);
    add(section, TINT_NONE, "           requests %s, refreshes %s, publishes %s, pushes %s",
        rate_if(rates, counters[COUNTER_requests]).is, rate_if(rates, counters[COUNTER_refreshes]).is,
        rate_if(rates, counters[COUNTER_publishes]).is, rate_if(rates, counters[COUNTER_pushes]).is);
    add(section, TINT_NONE, "           successes %s, failures %s (%s %%), ejections %s",
        rate_text(rates->results.succ).is, rate_text(rates->results.err).is,
        share_text(top_failures(rates->results)).is, rate_if(rates, counters[COUNTER_ejections]).is);
}

static void write_header(struct top_section *section, const struct top_sample *sample,
                         const struct top_rates *rates)
{
    add_fetcher(section, &sample->facts, sample->unix_ms);
    add_directory(section, &sample->facts);
    add_memory(section, &sample->facts);
    add_routes(section, &sample->facts);
    add_rates(section, rates);
}

static enum tint row_tint(const struct top_route *route)
{
    if (route->hosts > 0 && route->out == route->hosts)
        return TINT_TROUBLE;
    return route->out ? TINT_WARNING : route_tint(route->condition);
}

/* As wide as the numbers are, so that narrow screens show more of the rest. */
struct widths {
    int modid, cmdid, host;
};

static void widen(int *width, int needed)
{
    *width = needed > *width ? needed : *width;
}

static void widen_for_key(struct widths *widths, struct route_key key)
{
    widen(&widths->modid, snprintf(NULL, 0, "%" PRIu32, key.modid));
    widen(&widths->cmdid, snprintf(NULL, 0, "%" PRIu32, key.cmdid));
}

static struct widths widths_of(const struct top_rates *rates, const struct top_hosts *hosts)
{
    struct widths widths = {sizeof("MODID") - 1, sizeof("CMDID") - 1, sizeof("HOST") - 1};
    for (size_t i = 0; i < rates->count; i++)
        widen_for_key(&widths, rates->rows[i].key);
    for (size_t i = 0; i < hosts->listed_count; i++) {
        widen_for_key(&widths, hosts->listed[i].key);
        widen(&widths.host, (int)strlen(text_host(hosts->listed[i].host).is));
    }
    return widths;
}

static void write_routes(struct top_section *section, const struct top_rates *rates, struct widths widths)
{
    add(section, TINT_NONE, "%*s %*s %11s %6s %5s %4s %12s  %s", widths.modid, "MODID", widths.cmdid, "CMDID",
        "LOOKUPS/S", "FAIL%", "HOSTS", "OUT", "AGE", "STATE");
    section->fixed = 1;
    for (size_t i = 0; i < rates->count; i++) {
        const struct top_row *row = &rates->rows[i];
        const struct top_route *route = &row->route;
        add(section, row_tint(route), "%*" PRIu32 " %*" PRIu32 " %11s %6s %5" PRIu32 " %4" PRIu32 " %12s  %s",
            widths.modid, row->key.modid, widths.cmdid, row->key.cmdid, rate_text(row->lookups).is,
            share_text(top_failures(row->results)).is, route->hosts, route->out,
            route->cached ? text_span(route->age_ms).is : "-",
            route->cached ? route_condition_names[route->condition] : "not cached");
    }
    if (rates->count == 0)
        add(section, TINT_NONE, "no lookups so far, or a fetcher that does not say of which routes");
}

static void add_host(struct top_section *section, const struct known_host *host, uint32_t share, uint64_t now,
                     struct widths widths)
{
    const struct host_health *health = &host->health;
    const uint64_t left = host_health_ejected_left_ms(health, now);
    add(section, health_tint(health, share), "%*" PRIu32 " %*" PRIu32 " %-*s %11s  %.180s", widths.modid,
        host->key.modid, widths.cmdid, host->key.cmdid, widths.host, text_host(host->host).is,
        left ? text_span(left).is : "-", health_text(health, share).is);
}

static void write_hosts(struct top_section *section, const struct top_hosts *hosts, uint64_t now,
                        struct widths widths)
{
    if (hosts->status != SHM_OK) {
        add(section, TINT_WARNING, "hosts that are out: not known, the hosts object cannot be used: %s",
            hosts_fault(hosts->status));
        return;
    }
    if (hosts->notable == 0) {
        add(section, TINT_NONE, "no host is ejected, spared, drained or pinned");
        return;
    }
    section->fixed = 1;
    add(section, TINT_NONE, "%*s %*s %-*s %11s  HEALTH (%s host%s)", widths.modid, "MODID", widths.cmdid,
        "CMDID", widths.host, "HOST", "BACK IN", text_count(hosts->notable).is,
        number_plural(hosts->notable));
    for (size_t i = 0; i < hosts->listed_count; i++)
        add_host(section, &hosts->listed[i], hosts->shares[i], now, widths);
}

static void write_none(struct top_section *section, enum shm_status status, const char *name)
{
    if (status == SHM_NO_OBJECT)
        add(section, TINT_WARNING, "no routes object /larshm.%s in %s: waiting for larshm-fetcher", name,
            region_directory());
    else
        add(section, TINT_TROUBLE, "/larshm.%s cannot be used: %s", name, larshm_strerror((int)status));
}

static void clear(struct top_page *page)
{
    for (int i = 0; i < SECTIONS; i++)
        page->sections[i].count = page->sections[i].fixed = 0;
}

void top_page_write(struct top_page *page, const char *instance, const struct top_sample *sample,
                    const struct top_rates *rates)
{
    clear(page);
    if (sample->status != SHM_OK) {
        write_none(&page->sections[SECTION_HEADER], sample->status, instance);
        return;
    }
    write_header(&page->sections[SECTION_HEADER], sample, rates);
    const struct widths widths = widths_of(rates, &sample->hosts);
    write_routes(&page->sections[SECTION_ROUTES], rates, widths);
    write_hosts(&page->sections[SECTION_HOSTS], &sample->hosts, sample->tick, widths);
}

void top_page_help(struct top_page *page)
{
    static const char *const lines[] = {
        "q  quit",
        "s  sort routes by the next of: rate, failures, age",
        "p  pause: numbers stand still; again: go on",
        "h  this help; again: back",
        "Up, Down, Page Up, Page Down  scroll",
        "",
        "LOOKUPS/S  an estimate from samples, of the routes that are looked up most",
        "FAIL%      of the results that were reported meanwhile",
        "OUT        hosts out of rotation",
        "AGE        since the directory last confirmed the hosts",
        "BACK IN    until an ejection ends",
    };
    clear(page);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        add(&page->sections[SECTION_HEADER], TINT_NONE, "%s", lines[i]);
}
