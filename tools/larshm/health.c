/* SPDX-License-Identifier: MIT */
/* `larshm health`: what is wrong with an instance, for monitoring. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "tools/larshm/command.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Says whether all is well, for monitoring and scripts: a line for each finding, and an exit code of its own for "
    "each kind. With several the code is that of the first line.\v"
    "Exit codes: 0 all is well; 3 the fetcher is not alive, or has never run; 5 damaged routes; 8 not connected to the "
    "directory, or not answered; 9 a limit is reached; 7 a route with hosts has none in rotation. Others as for every command.\n\n"
    "Examples:\n"
    "  larshm health\n"
    "  larshm -j health | jq -r '.findings[].text'\n\n" EXIT_CODES_DOC;

static const struct argp argp = {NULL, NULL, "", doc, common_children, NULL, NULL};

enum {
    KINDS = 5
};

/* In the order in which they are said: what comes first may be the reason of what follows. */
struct finding {
    const char *name;
    int exit_code; /* EXIT_SUCCESS: not found */
    char text[512];
};

static struct finding fetcher(const struct facts *facts)
{
    struct finding finding = {"fetcher", EXIT_SUCCESS, ""};
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
    struct finding finding = {"damage", facts->damaged ? EXIT_DAMAGED : EXIT_SUCCESS, ""};
    snprintf(finding.text, sizeof(finding.text),
             "%lu damaged route%s: restart larshm-fetcher, which recreates the object", facts->damaged,
             number_plural(facts->damaged));
    return finding;
}

static struct finding directory(const struct facts *facts)
{
    struct finding finding = {"directory", EXIT_SUCCESS, ""};
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
    struct finding finding = {"limit", found ? EXIT_AT_LIMIT : EXIT_SUCCESS, ""};
    snprintf(finding.text, sizeof(finding.text), "%s", limit_text(facts).is);
    return finding;
}

static struct finding rotation(const struct facts *facts)
{
    bool found = facts->fetcher == FETCHER_IS_ALIVE && facts->without_host > 0;
    struct finding finding = {"rotation", found ? EXIT_OVERLOADED : EXIT_SUCCESS, ""};
    const struct route_key first = facts->first_without_host;
    snprintf(finding.text, sizeof(finding.text),
             "%" PRIu64 " route%s without a host in rotation, the first is %" PRIu32 "/%" PRIu32
             ": `larshm list` shows why",
             facts->without_host, number_plural(facts->without_host), first.modid, first.cmdid);
    return finding;
}

static json_t *json_findings(const struct finding findings[static KINDS])
{
    json_t *array = json_array();
    for (int i = 0; array && i < KINDS; i++) {
        if (findings[i].exit_code == EXIT_SUCCESS)
            continue;
        json_t *element = json_pack("{s:s, s:i, s:s}", "finding", findings[i].name, "exit_code",
                                    findings[i].exit_code, "text", findings[i].text);
        if (json_array_append_new(array, element) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static int print(const struct common *common, const struct facts *facts,
                 const struct finding findings[static KINDS])
{
    int first_code = EXIT_SUCCESS;
    for (int i = KINDS - 1; i >= 0; i--)
        first_code = findings[i].exit_code == EXIT_SUCCESS ? first_code : findings[i].exit_code;
    if (common->json) {
        int code = json_print(json_pack("{s:i, s:s, s:b, s:i, s:o}", "version", JSON_VERSION, "instance",
                                        common->instance, "ok", first_code == EXIT_SUCCESS, "exit_code",
                                        first_code, "findings", json_findings(findings)));
        return code == EXIT_SUCCESS ? first_code : code;
    }
    if (first_code == EXIT_SUCCESS)
        printf("ok: fetcher alive, %s connected for %s\n", facts->directory,
               text_span(facts->connection_age_ms).is);
    for (int i = 0; i < KINDS; i++)
        if (findings[i].exit_code != EXIT_SUCCESS)
            printf("%s: %s\n", findings[i].name, findings[i].text);
    return first_code;
}

int command_health(struct common *common, int argc, char **argv)
{
    struct instance instance;
    struct facts facts;
    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
        return EXIT_USAGE;
    common->findings = true;
    int code = open_facts(common, &instance, &facts);
    if (code != EXIT_SUCCESS)
        return code;
    const struct finding findings[KINDS] = {fetcher(&facts), damage(&facts), directory(&facts), limit(&facts),
                                            rotation(&facts)};
    code = print(common, &facts, findings);
    instance_close(&instance);
    return code;
}
