/* SPDX-License-Identifier: MIT */
#include "tools/larshm/plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/say.h"

enum plugin_state plugin_state(int exit_code)
{
    switch (exit_code) {
    case EXIT_SUCCESS:
        return PLUGIN_OK;
    case EXIT_CUT_OFF: /* served stale */
    case EXIT_AT_LIMIT:
        return PLUGIN_WARNING;
    case EXIT_NO_OBJECT:
    case EXIT_DAMAGED:
    case EXIT_OVERLOADED:
        return PLUGIN_CRITICAL;
    default:
        return PLUGIN_UNKNOWN;
    }
}

/* Totals are counters, "c", of which the monitoring system makes rates. */
static void print_performance(const struct facts *facts)
{
    const struct lookup_counts lookups = facts_lookups(facts);
    printf(" | routes=%" PRIu64 ";;;0 expired=%" PRIu64 ";;;0 none=%" PRIu64 ";;;0 without_host=%" PRIu64
           ";;;0 overloaded=%" PRIu64 ";;;0 bytes=%" PRIu64 "B;;;0;%" PRIu64 " lookups=%" PRIu64
           "c missed=%" PRIu64 "c reports=%" PRIu64 "c ejections=%" PRIu64 "c",
           facts->counters[COUNTER_routes], facts->routes[ROUTE_IS_EXPIRED], facts->routes[ROUTE_IS_NONE],
           facts->without_host, facts->counters[COUNTER_overloaded], facts->object_bytes, facts->max_bytes,
           lookups.lookups, lookups.missed, facts->counters[COUNTER_reports],
           facts->counters[COUNTER_ejections]);
}

void plugin_print(int exit_code, const char *text, const struct facts *facts)
{
    static const char *const words[] = {
        [PLUGIN_OK] = "OK",
        [PLUGIN_WARNING] = "WARNING",
        [PLUGIN_CRITICAL] = "CRITICAL",
        [PLUGIN_UNKNOWN] = "UNKNOWN",
    };
    printf("LARSHM %s - ", words[plugin_state(exit_code)]);
    for (; *text; text++)
        putchar(*text == '|' ? '/' : *text); /* a bar begins the performance data */
    if (facts)
        print_performance(facts);
    putchar('\n');
}
