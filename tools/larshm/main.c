/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/start.h"
#include "conf/suggest.h"
#include "shm/region.h"
#include "tools/larshm/command.h"
#include "tools/larshm/say.h"

const char *argp_program_version = "larshm " LARSHM_VERSION;

static const char doc[] =
    "Shows Lars routes in shared memory. Without a command: show.\v"
    "Commands:\n"
    "  show             the instance on one screen\n"
    "  top              the instance live: rates, routes in use, hosts that are out\n"
    "  health           what is wrong, by exit code, for monitoring\n"
    "  metrics          numbers for Prometheus, printed, served, or in a file\n"
    "  list [MODID]     routes, and their first hosts\n"
    "  get MODID CMDID  one route, looked up as applications do\n"
    "  wait MODID CMDID request a route, and wait for the answer\n"
    "  watch            a line for every change\n"
    "  dump             all routes, tab separated, for scripts\n"
    "  check            validate the routes object\n"
    "  stats            results of all calls, by route and host\n"
    "  report           report the result of a call, as applications do\n"
    "  host             keep a host in or out of rotation\n"
    "  refresh          request a route now, and say what has come\n"
    "  forget           have a route leave the cache\n"
    "  route accept     publish an answer that is held back\n"
    "  servers          the servers of the directory, and the one in use\n"
    "  reload           have the fetcher read its configuration again\n"
    "  simulate         simulate calls: get a host, report, repeat\n"
    "  import-lars FILE what a lars_lb_agent.conf means here, line by line\n"
    "  qps              lookups as fast as possible\n"
    "  bench            measure lookups and all else beside other ways to do it\n\n"
    "Each has a --help of its own. None needs a fetcher that is alive, except `wait` for a "
    "route that is not cached yet, `host`, `forget`, `refresh`, `route`, `servers` and `reload`.\n\n"
    "Examples:\n"
    "  larshm\n"
    "  larshm wait 1 2 && larshm get 1 2\n"
    "  larshm -n staging -j show\n\n" EXIT_CODES_DOC;

static const struct {
    const char *name;
    command_fn *run;
} commands[] = {
    {"show", command_show},       {"list", command_list},         {"get", command_get},
    {"wait", command_wait},       {"watch", command_watch},       {"dump", command_dump},
    {"check", command_check},     {"stats", command_stats},       {"report", command_report},
    {"health", command_health},   {"host", command_host},         {"reload", command_reload},
    {"route", command_route},     {"simulate", command_simulate}, {"qps", command_qps},
    {"bench", command_bench},     {"servers", command_servers},   {"refresh", command_refresh},
    {"metrics", command_metrics}, {"top", command_top},           {"import-lars", command_import_lars},
    {"forget", command_forget},
};

enum {
    COMMANDS = sizeof(commands) / sizeof(*commands)
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    int *first = state->input; /* index of the command in argv */
    (void)arg;
    switch (key) {
    case ARGP_KEY_ARG:
        *first = state->next - 1;
        state->next = state->argc; /* the rest is for the command's own parser */
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "[COMMAND [ARGUMENT...]]", doc, common_children, NULL, NULL};

static command_fn *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run;
    return NULL;
}

/* Tools of Lars whose names are no commands here. */
static const char *successor(const char *name)
{
    if (strcmp(name, "get_host") == 0)
        return "larshm get MODID CMDID --pick 1";
    if (strcmp(name, "get_route") == 0)
        return "larshm get MODID CMDID";
    if (strcmp(name, "simulator") == 0)
        return "larshm simulate MODID CMDID";
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *use = successor(name);
    if (use) {
        say("no command '%s': use `%s`", name, use);
        return EXIT_USAGE;
    }
    const char *names[COMMANDS];
    char hint[192];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    suggest(name, strlen(name), names, COMMANDS, hint, sizeof(hint));
    say("no command '%s', see `larshm --help`: %s", name, hint);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct common *common = common_defaults();
    int first = 0;
    static char show[] = "show", *no_words[] = {show, NULL};
    char title[64];
    start_prepare();
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first) != 0)
        return EXIT_USAGE;

    const char *directory = directory_or_default(NULL);
    if (directory) /* where it is none, no instance can be opened, and the command says so in its way */
        region_set_directory(directory);
    int count = first ? argc - first : 1;
    char **words = first ? argv + first : no_words;
    command_fn *run = find_command(words[0]);
    if (!run)
        return unknown_command(words[0]);
    snprintf(title, sizeof(title), "larshm %s", words[0]);
    words[0] = title;
    return run(common, count, words);
}
