/* SPDX-License-Identifier: MIT */
#include "tools/larshm/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "shm/clock.h"
#include "tools/common/tint.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Shows an instance on one screen: its fetcher, its directory, its routes, the health of hosts, and how full it is. "
    "This is what larshm does without a command. The fetcher need not be alive.\v"
    "Examples:\n"
    "  larshm                  the default instance\n"
    "  larshm -n staging show  another one\n"
    "  larshm -j show          everything, with all counters, as JSON\n\n" EXIT_CODES_DOC;

static const struct argp argp = {NULL, NULL, "", doc, common_children, NULL, NULL};

/* Prints words in a colour. */
__attribute__((format(printf, 2, 3))) static void print_in(enum tint tint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs(tint_on(tint), stdout);
    vprintf(format, arguments);
    fputs(tint_off(tint), stdout);
    va_end(arguments);
}

/* Prints a time and how long ago that was, unless the clock has been set back since. */
static void print_time(uint64_t unix_ms)
{
    uint64_t now = clock_unix_ms();
    printf("%s", text_time(unix_ms).is);
    if (now >= unix_ms)
        printf(" (%s ago)", text_span(now - unix_ms).is);
    putchar('\n');
}

static void show_generation(const struct instance *instance, const struct facts *facts)
{
    printf("instance    %s (%s)\n", instance->name, instance->names.routes);
    printf("generation  %" PRIu64 ", made ", facts->generation);
    print_time(facts->generation);
}

static void show_fetcher(const struct facts *facts)
{
    const bool alive = facts->fetcher == FETCHER_IS_ALIVE;
    printf("fetcher     ");
    print_in(alive ? TINT_GOOD : TINT_TROUBLE, alive ? "alive" : "NOT ALIVE");
    switch (facts->fetcher) {
    case FETCHER_IS_ALIVE:
        printf(", pid %" PRIu32 ", since ", facts->pid);
        break;
    case FETCHER_IS_SILENT:
        printf(": silent for %s, was pid %" PRIu32 " since ", text_span(facts->silent_ms).is, facts->pid);
        break;
    default:
        printf(": stopped cleanly at ");
    }
    print_time(facts->since_unix_ms);
    if (facts->fetcher != FETCHER_IS_ALIVE)
        printf("            routes are served as they were; start larshm-fetcher to have them refreshed\n");
}

static void show_directory(const struct facts *facts)
{
    struct text age = text_span(facts->connection_age_ms);
    printf("directory   %s, ", *facts->directory ? facts->directory : "?");
    if (facts->fetcher != FETCHER_IS_ALIVE) {
        printf("not connected: the fetcher is not alive\n");
        return;
    }
    switch (facts->connection) {
    case CONNECTION_NONE:
        printf("not tried yet\n");
        break;
    case CONNECTION_CONNECTING:
        printf("connecting for %s\n", age.is);
        break;
    case CONNECTION_UP:
        print_in(TINT_GOOD, "connected");
        printf(" for %s", age.is);
        if (facts->counters[COUNTER_unanswered]) {
            printf(", and it ");
            print_in(TINT_TROUBLE, "DOES NOT ANSWER");
            printf(": is it a directory? `larshm servers` shows all of them");
        }
        putchar('\n');
        break;
    case CONNECTION_WAITING:
        print_in(TINT_TROUBLE, "NOT CONNECTED");
        printf(" for %s, still trying: "
               "is it running, does a firewall block it? The fetcher's log says when it tries again\n",
               age.is);
        break;
    }
    if (facts->counters[COUNTER_behind])
        print_in(
            TINT_WARNING,
            "            holding: the directory is behind; routes stay as they are until one is as new as what was "
            "seen, for [fetcher] behind_hold, or until `larshm route accept --all`\n");
}

static void show_routes(const struct facts *facts)
{
    const uint64_t *routes = facts->routes;
    uint64_t served =
        routes[ROUTE_IS_NEW] + routes[ROUTE_IS_PULLING] + routes[ROUTE_IS_EXPIRED] + routes[ROUTE_IS_HELD];
    printf("routes      %s with hosts: %s new, %s pulling, %s expired; %s known not to exist\n",
           text_count(served).is, text_count(routes[ROUTE_IS_NEW]).is,
           text_count(routes[ROUTE_IS_PULLING]).is, text_count(routes[ROUTE_IS_EXPIRED]).is,
           text_count(routes[ROUTE_IS_NONE]).is);
    if (facts->restored)
        printf("            %s from the snapshot of %s, not confirmed by the directory since the reboot\n",
               text_count(facts->restored).is, text_time(facts->snapshot_unix_ms).is);
    if (routes[ROUTE_IS_HELD])
        print_in(
            TINT_WARNING,
            "            %s HELD: the directory's last answer is held back, `larshm list` says why and for how long\n",
            text_count(routes[ROUTE_IS_HELD]).is);
    if (facts->damaged)
        print_in(TINT_TROUBLE, "            %lu DAMAGED: see `larshm check`\n", facts->damaged);
    struct lookup_counts lookups = facts_lookups(facts);
    printf("lookups     %s, of these %s missed and %s found an expired route", text_count(lookups.lookups).is,
           text_count(lookups.missed).is, text_count(lookups.expired).is);
    printf("%s\n", facts->uncollected_known ? "" : " (without those that the fetcher has not collected yet)");
}

static void show_snapshot(const struct facts *facts)
{
    if (!*facts->snapshot)
        return;
    if (facts->snapshot_off)
        printf("snapshot    none: %s, so a reboot takes all routes\n", facts->snapshot);
    else if (facts->written_unix_ms == 0)
        printf("snapshot    %s, not written so far\n", facts->snapshot);
    else {
        printf("snapshot    %s, of ", facts->snapshot);
        print_time(facts->written_unix_ms);
    }
}

/* Results of calls, and ejections. */
static void show_health(const struct facts *facts)
{
    const uint64_t *counters = facts->counters;
    printf("results     %s collected, of these %s for unknown hosts and %s refused; "
           "%s message%s to the report service\n",
           text_count(counters[COUNTER_reports]).is, text_count(counters[COUNTER_reports_unknown]).is,
           text_count(counters[COUNTER_reports_refused]).is, text_count(counters[COUNTER_results_sent]).is,
           number_plural(counters[COUNTER_results_sent]));
    printf("health      ");
    print_in(counters[COUNTER_overloaded] ? TINT_TROUBLE : TINT_NONE, "%s host%s overloaded",
             text_count(counters[COUNTER_overloaded]).is, number_plural(counters[COUNTER_overloaded]));
    printf("; %s ejection%s so far\n", text_count(counters[COUNTER_ejections]).is,
           number_plural(counters[COUNTER_ejections]));
    if (facts->spared)
        print_in(
            TINT_WARNING,
            "            %s route%s with SPARED hosts, which fail and stay in rotation: see `larshm list %" PRIu32
            "` ([loadbalance] max_ejected)\n",
            text_count(facts->spared).is, number_plural(facts->spared), facts->first_spared.modid);
}

/* Of programs that have not looked up since, and of any process that has opened the routes object. */
static void show_replaced(const struct facts *facts)
{
    uint64_t objects = facts->counters[COUNTER_replaced_objects];
    if (objects == 0) {
        printf("  replaced  no program holds what was replaced\n");
        return;
    }
    printf("  replaced  %s%s object%s, %s, still held by programs\n",
           objects == REPLACED_OBJECTS_MAX ? "at least " : "", text_count(objects).is, number_plural(objects),
           text_bytes(facts->counters[COUNTER_replaced_bytes]).is);
}

static void show_memory(const struct facts *facts)
{
    printf("memory      %s of at most %s\n", text_bytes(facts->object_bytes).is,
           text_bytes(facts->max_bytes).is);
    printf("  index     %s of %s slots in use (%" PRIu64 " %%)\n", text_count(facts->slots_used).is,
           text_count(facts->slots).is, facts->slots_used * 100 / facts->slots);
    printf("  arena     %s live, %s retired, %s free\n", text_bytes(facts->units_live * UNIT_BYTES).is,
           text_bytes(facts->units_retired * UNIT_BYTES).is, text_bytes(facts->units_free * UNIT_BYTES).is);
    printf("  hosts     %s\n",
           facts->hosts_bytes ? text_bytes(facts->hosts_bytes).is : "nothing is known of them");
    show_replaced(facts);
}

/* "grace_ms" as "grace 2000 ms". */
static void show_setting(const char *before, const char *name, uint32_t value)
{
    size_t length = strlen(name);
    const char *unit = strrchr(name, '_');
    if (!unit || (strcmp(unit, "_ms") != 0 && strcmp(unit, "_s") != 0))
        unit = name + length;
    printf("%s%.*s %" PRIu32 "%s%s", before, (int)(unit - name), name, value, *unit ? " " : "",
           *unit ? unit + 1 : "");
}

static void show_postponed(const struct facts *facts)
{
    uint64_t waiting = facts->counters[COUNTER_postponed];
    if (waiting)
        printf("; %s change%s of cached routes wait%s for room", text_count(waiting).is,
               number_plural(waiting), waiting == 1 ? "s" : "");
    putchar('\n');
}

static void show_limits(const struct facts *facts)
{
    const char *before = "settings    ";
#define X(name)                                                                                              \
    show_setting(before, #name, facts->settings.name);                                                       \
    before = ", ";
    SHM_SETTINGS(X)
#undef X
    putchar('\n');
    printf("limits      ");
    print_in(limit_reached(facts) ? TINT_TROUBLE : TINT_NONE, "%s", limit_text(facts).is);
    show_postponed(facts);
    if (facts->hosts_full && facts->refusing != REFUSING_NOTHING) /* the line above names one limit */
        print_in(TINT_TROUBLE, "            %s\n", hosts_full_text);
}

/* What was done on one line, each kind of trouble on a line of its own. */
static void show_counters(const struct facts *facts)
{
    static const enum shm_counter troubles[] = {
        COUNTER_timeouts,        COUNTER_connect_failures, COUNTER_disconnects,     COUNTER_bad_frames,
        COUNTER_bad_answers,     COUNTER_unknown_messages, COUNTER_unusable_hosts,  COUNTER_refused_full,
        COUNTER_refused_unknown, COUNTER_long_frames,      COUNTER_crowded_answers, COUNTER_snapshot_failures,
    };
    const uint64_t *counters = facts->counters;
    printf("traffic     %s request%s, %s answer%s (%s pushed), %s table%s published, %s refreshed\n",
           text_count(counters[COUNTER_requests]).is, number_plural(counters[COUNTER_requests]),
           text_count(counters[COUNTER_answers]).is, number_plural(counters[COUNTER_answers]),
           text_count(counters[COUNTER_pushes]).is, text_count(counters[COUNTER_publishes]).is,
           number_plural(counters[COUNTER_publishes]), text_count(counters[COUNTER_refreshes]).is);
    const char *label = "troubles";
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        if (counters[troubles[i]] == 0)
            continue;
        printf("%-11s ", label);
        print_in(TINT_WARNING, "%s (%s)\n", shm_counter_texts[troubles[i]].description,
                 text_count(counters[troubles[i]]).is);
        label = "";
    }
    if (*label)
        printf("troubles    none\n");
}

int command_show(struct common *common, int argc, char **argv)
{
    struct instance instance;
    struct facts facts;
    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
        return EXIT_USAGE;
    int code = open_facts(common, &instance, &facts);
    if (code != EXIT_SUCCESS)
        return code;
    if (common->json) {
        code = show_json(&instance, &facts);
    } else {
        show_generation(&instance, &facts);
        show_fetcher(&facts);
        show_directory(&facts);
        show_routes(&facts);
        show_snapshot(&facts);
        show_health(&facts);
        show_memory(&facts);
        show_limits(&facts);
        show_counters(&facts);
    }
    if (code == EXIT_SUCCESS)
        code = say_damaged(common->instance, facts.damaged);
    instance_close(&instance);
    return code;
}
