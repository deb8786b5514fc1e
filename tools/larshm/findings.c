/* SPDX-License-Identifier: MIT */
#include "tools/larshm/findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "shm/region.h"
#include "tools/larshm/say.h"

const char *const finding_names[FINDINGS] = {
    [FINDING_FETCHER] = "fetcher", [FINDING_DAMAGE] = "damage",     [FINDING_DIRECTORY] = "directory",
    [FINDING_LIMIT] = "limit",     [FINDING_ROTATION] = "rotation", [FINDING_PERMISSION] = "permission",
};

const char *const probe_names[PROBES] = {
    [PROBE_HEALTH] = "health",
    [PROBE_LIVE] = "live",
    [PROBE_READY] = "ready",
    [PROBE_SERVING] = "serving",
};

/* Keys that do not exist are cached, too: they are answered. */
static uint64_t cached(const struct facts *facts)
{
    uint64_t count = 0;
    for (int i = 0; i < ROUTE_CONDITIONS; i++)
        count += facts->routes[i];
    return count;
}

unsigned probe_findings(enum probe probe, const struct facts *facts)
{
    switch (probe) {
    case PROBE_LIVE:
        return 1U << FINDING_FETCHER;
    case PROBE_READY: /* no more than that: the directory's absence is no reason to stop a rollout */
        return 1U << FINDING_FETCHER |
               (facts->counters[COUNTER_connects] || cached(facts) ? 0 : 1U << FINDING_DIRECTORY);
    case PROBE_SERVING: /* routes are served without a fetcher, but who has none gets none */
        return 1U << FINDING_PERMISSION | (cached(facts) ? 0 : 1U << FINDING_FETCHER);
    default:
        return ((1U << FINDINGS) - 1) & ~(1U << FINDING_PERMISSION);
    }
}

static struct finding fetcher(const struct facts *facts)
{
    struct finding finding = {EXIT_SUCCESS, ""};
    if (facts->fetcher == FETCHER_IS_ALIVE)
        return finding;
    finding.exit_code = EXIT_NO_OBJECT;
    if (facts->fetcher == FETCHER_IS_SILENT)
        snprintf(finding.text, sizeof(finding.text),
                 "not alive: silent for %s, was pid %" PRIu32
                 "; routes are served as they were: start larshm-fetcher",
                 text_span(facts->silent_ms).is, facts->pid);
    else
        snprintf(finding.text, sizeof(finding.text),
                 "not alive: stopped cleanly at %s; routes are served as they were: start larshm-fetcher",
                 text_time(facts->since_unix_ms).is);
    return finding;
}

static struct finding damage(const struct facts *facts)
{
    struct finding finding = {facts->damaged ? EXIT_DAMAGED : EXIT_SUCCESS, ""};
    snprintf(finding.text, sizeof(finding.text),
             "%lu damaged route%s: restart larshm-fetcher, which recreates the object", facts->damaged,
             number_plural(facts->damaged));
    return finding;
}

static struct finding directory(const struct facts *facts)
{
    struct finding finding = {EXIT_SUCCESS, ""};
    const bool up = facts->connection == CONNECTION_UP, unanswered = facts->counters[COUNTER_unanswered];
    if (facts->fetcher != FETCHER_IS_ALIVE || (up && !unanswered))
        return finding;
    finding.exit_code = EXIT_CUT_OFF;
    if (up)
        snprintf(finding.text, sizeof(finding.text),
                 "%s takes connections and does not answer: is it a directory, has it too much to do? see "
                 "`larshm servers` and the fetcher's log",
                 facts->directory);
    else
        snprintf(
            finding.text, sizeof(finding.text),
            "%s not connected for %s, still trying: is it running, does a firewall block it? see the fetcher's log",
            facts->directory, text_span(facts->connection_age_ms).is);
    return finding;
}

/* What a fetcher that is dead refused is no matter any more, and hosts that it ejected return to rotation. */
static struct finding limit(const struct facts *facts)
{
    bool found = facts->fetcher == FETCHER_IS_ALIVE && limit_reached(facts);
    struct finding finding = {found ? EXIT_AT_LIMIT : EXIT_SUCCESS, ""};
    snprintf(finding.text, sizeof(finding.text), "%s", limit_text(facts).is);
    return finding;
}

static struct finding rotation(const struct facts *facts)
{
    bool found = facts->fetcher == FETCHER_IS_ALIVE && facts->without_host > 0;
    struct finding finding = {found ? EXIT_OVERLOADED : EXIT_SUCCESS, ""};
    const struct route_key first = facts->first_without_host;
    snprintf(finding.text, sizeof(finding.text),
             "%" PRIu64 " route%s without a host in rotation, the first is %" PRIu32 "/%" PRIu32
             ": `larshm list` shows why",
             facts->without_host, number_plural(facts->without_host), first.modid, first.cmdid);
    return finding;
}

static struct finding permission(const struct facts *facts)
{
    struct finding finding = {facts->may_not_request ? EXIT_PERMISSION : EXIT_SUCCESS, ""};
    snprintf(
        finding.text, sizeof(finding.text),
        "this user may look up cached routes, and neither request routes nor report: join the group that "
        "owns the control object in %s, in a container by number, and mount that for writing",
        region_directory());
    return finding;
}

int findings_read(const struct facts *facts, unsigned set, struct finding out[static FINDINGS])
{
    static struct finding (*const find[FINDINGS])(const struct facts *) = {
        [FINDING_FETCHER] = fetcher, [FINDING_DAMAGE] = damage,     [FINDING_DIRECTORY] = directory,
        [FINDING_LIMIT] = limit,     [FINDING_ROTATION] = rotation, [FINDING_PERMISSION] = permission,
    };
    int first = EXIT_SUCCESS;
    for (int kind = FINDINGS - 1; kind >= 0; kind--) {
        out[kind] = set & 1U << kind ? find[kind](facts) : (struct finding){EXIT_SUCCESS, ""};
        first = out[kind].exit_code == EXIT_SUCCESS ? first : out[kind].exit_code;
    }
    return first;
}

struct text findings_none_text(const struct facts *facts)
{
    struct text text;
    const uint64_t count = cached(facts);
    if (facts->fetcher != FETCHER_IS_ALIVE)
        snprintf(text.is, sizeof(text.is), "%" PRIu64 " route%s cached and served, and no fetcher is alive",
                 count, number_plural(count));
    else
        snprintf(text.is, sizeof(text.is), "fetcher alive, %s %s for %.24s", facts->directory,
                 facts->connection == CONNECTION_UP ? "connected" : "not connected",
                 text_span(facts->connection_age_ms).is);
    return text;
}
