/* SPDX-License-Identifier: MIT */
/* `larshm health`: what is wrong with an instance, for monitoring, and for those who start and restart containers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/start.h"
#include "conf/suggest.h"
#include "tools/larshm/command.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/findings.h"
#include "tools/larshm/json.h"
#include "tools/larshm/plugin.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Says whether all is well, for monitoring and scripts: a line for each finding, and an exit code of its own for "
    "each kind. With several the code is that of the first line. It ends within 5 seconds.\v"
    "Findings, in this order, and their exit codes: fetcher 3, it is not alive; damage 5, of routes; directory 8, not "
    "connected to it, or not answered; limit 9, one is reached; rotation 7, a route with hosts has none in "
    "rotation. 0: all is well; 3 also: no fetcher has ever run. Others as for every command.\n\n"
    "Probes ask one question, see CONTAINERS in larshm(7):\n"
    "  live     is the fetcher alive? If not, a restart helps; the directory does\n"
    "           not matter\n"
    "  ready    that, and has it been connected once, or adopted routes?\n"
    "  serving  can programs of this user look routes up, also while the fetcher is\n"
    "           dead, and request them? Who may not request: finding permission, 6\n\n"
    "With --nagios the exit code is 0 OK, 1 WARNING for directory and limit, 2 CRITICAL for other findings, or 3 UNKNOWN "
    "where there is no answer.\n\n"
    "Examples:\n"
    "  larshm health\n"
    "  larshm health -q                          silent if all is well, for cron\n"
    "  larshm health --probe live                of the fetcher's container\n"
    "  larshm health --probe serving             of a program's container\n"
    "  larshm health --nagios --ignore rotation\n"
    "  larshm -j health | jq -r '.findings[].text'\n\n" EXIT_CODES_DOC;

enum {
    NAGIOS = 256, /* beyond letters: it has no short form */
    PROBE,
    IGNORE,
    TIMEOUT_S = 5,
};

static const struct argp_option options[] = {
    {"probe", PROBE, "PROBE", 0, "live, ready or serving: only what matters to it", 0},
    {"ignore", IGNORE, "FINDING[,FINDING]", 0, "do without these findings", 0},
    {"nagios", NAGIOS, NULL, 0, "as a monitoring plugin: one line, with performance data, and its exit codes",
     0},
    {"quiet", 'q', NULL, 0, "print nothing if all is well", 0},
    {0},
};

struct arguments {
    struct common *common;
    enum probe probe;
    unsigned ignored;
    bool quiet;
};

/* Which of the names it is, or ends the program with a message that says what is allowed. */
static int take_name(const struct argp_state *state, const char *option, const char *word, size_t length,
                     const char *const *names, int count)
{
    char hint[192];
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0)
            return i;
    suggest(word, length, names, (size_t)count, hint, sizeof(hint));
    argp_error(state, "%s: no '%.*s': %s", option, (int)length, word, hint);
    return 0;
}

static void take_ignored(const struct argp_state *state, const char *list, struct arguments *arguments)
{
    size_t length = strcspn(list, ",");
    arguments->ignored |= 1U << take_name(state, "--ignore", list, length, finding_names, FINDINGS);
    if (list[length])
        take_ignored(state, list + length + 1, arguments);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        for (int i = 1; i < state->argc; i++)
            if (strcmp(state->argv[i], "--nagios") == 0)
                argp_err_exit_status = PLUGIN_UNKNOWN;
        return 0;
    case PROBE:
        arguments->probe =
            (enum probe)(1 + take_name(state, "--probe", arg, strlen(arg), probe_names + 1, PROBES - 1));
        return 0;
    case IGNORE:
        take_ignored(state, arg, arguments);
        return 0;
    case NAGIOS:
        arguments->common->plugin = true;
        start_set_exit_unwritten(PLUGIN_UNKNOWN);
        return 0;
    case 'q':
        arguments->quiet = true;
        return 0;
    case ARGP_KEY_END:
        if (arguments->common->plugin && (arguments->common->json || arguments->quiet))
            argp_error(state, "--nagios has an output of its own, without --json or --quiet");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "", doc, common_children, NULL, NULL};

/* Nothing here waits for a fetcher, but an account service may be silent, and stdout full. */
static int exit_late;

static void late(int number)
{
    static const char text[] =
        "larshm: health: no answer within 5 seconds: from an account service, or is stdout full?\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)number, (void)written;
    _exit(exit_late);
}

static void end_in_time(const struct common *common)
{
    exit_late = common->plugin ? PLUGIN_UNKNOWN : EXIT_TIMED_OUT;
    signal(SIGALRM, late);
    alarm(TIMEOUT_S);
}

static json_t *json_findings(const struct finding findings[static FINDINGS])
{
    json_t *array = json_array();
    for (int i = 0; array && i < FINDINGS; i++) {
        if (findings[i].exit_code == EXIT_SUCCESS)
            continue;
        json_t *element = json_pack("{s:s, s:i, s:s}", "finding", finding_names[i], "exit_code",
                                    findings[i].exit_code, "text", findings[i].text);
        if (json_array_append_new(array, element) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static int print_json(const struct arguments *arguments, const struct finding findings[static FINDINGS],
                      int first)
{
    int code =
        json_print(json_pack("{s:i, s:s, s:s, s:b, s:i, s:o}", "version", JSON_VERSION, "instance",
                             arguments->common->instance, "probe", probe_names[arguments->probe], "ok",
                             first == EXIT_SUCCESS, "exit_code", first, "findings", json_findings(findings)));
    return code == EXIT_SUCCESS ? first : code;
}

/* All findings in one line, and the worst of their states. */
static int print_plugin(const struct facts *facts, const struct finding findings[static FINDINGS])
{
    char line[FINDINGS * sizeof(findings->text)];
    int worst = EXIT_SUCCESS;
    size_t used = (size_t)snprintf(line, sizeof(line), "%s", findings_none_text(facts).is);
    for (int i = 0, said = 0; i < FINDINGS; i++) {
        const struct finding *finding = &findings[i];
        if (finding->exit_code == EXIT_SUCCESS)
            continue;
        used = said++ ? used : 0;
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s: %s", used ? "; " : "",
                                 finding_names[i], finding->text);
        if (plugin_state(finding->exit_code) > plugin_state(worst))
            worst = finding->exit_code;
    }
    plugin_print(worst, line, facts);
    return worst;
}

static void print_text(const struct facts *facts, const struct finding findings[static FINDINGS], int first)
{
    if (first == EXIT_SUCCESS)
        printf("ok: %s\n", findings_none_text(facts).is);
    for (int i = 0; i < FINDINGS; i++)
        if (findings[i].exit_code != EXIT_SUCCESS)
            printf("%s: %s\n", finding_names[i], findings[i].text);
}

static int answer(const struct arguments *arguments, const struct facts *facts)
{
    struct finding findings[FINDINGS];
    int first = findings_read(facts, probe_findings(arguments->probe, facts) & ~arguments->ignored, findings);
    if (arguments->common->plugin)
        return print_plugin(facts, findings);
    if (arguments->quiet && first == EXIT_SUCCESS)
        return first;
    if (arguments->common->json)
        return print_json(arguments, findings, first);
    print_text(facts, findings, first);
    return first;
}

int command_health(struct common *common, int argc, char **argv)
{
    struct instance instance;
    struct facts facts;
    struct arguments arguments = {.common = common};
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    common->findings = true;
    end_in_time(common);
    int code = open_facts(common, &instance, &facts);
    if (code == EXIT_SUCCESS) {
        code = answer(&arguments, &facts);
        instance_close(&instance);
    }
    return common->plugin ? (int)plugin_state(code) : code;
}
