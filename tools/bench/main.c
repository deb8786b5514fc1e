/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/number.h"
#include "conf/start.h"
#include "conf/suggest.h"
#include "shm/region.h"
#include "tools/bench/library.h"
#include "tools/bench/output.h"

enum {
    SUITES_MAX = 32,
    ROUNDS = 7,
    FETCHERS = 10000,
    KEY_CSV = 256,
    KEY_PLOT,
    KEY_LIST,
    KEY_ROUNDS,
    KEY_ROUTES,
    KEY_FETCHERS,
    KEY_CPU,
    KEY_AGAINST,
};

const char *argp_program_version = "larshm bench " LARSHM_VERSION;

static const char doc[] =
    "Measures larshm on this machine, beside its peers, and prints a table. Without a SUITE it runs all suites that are "
    "not slow, without their largest sizes, in less than a minute. \"all\" stands for every suite. It works on private "
    "instances and leaves nothing behind.\v"
    "Figures are medians over rounds. Each round measures a figure and its peers in turn. On a busy machine trust "
    "RATIO, the median of each round's ratio to the figure in TO, more than the times.\n\n"
    "Examples:\n"
    "  larshm bench\n"
    "  larshm bench lookup --routes 1000\n"
    "  larshm bench -j >bench.json\n"
    "  larshm bench lookup --plot lookup.svg\n"
    "  larshm bench lookup --against ../before/build/lib/liblarshm.so\n\n"
    "See larshm-bench(1) for the suites and how to read the figures.";

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "print JSON; it carries \"version\":1, and members are only ever added", 0},
    {"csv", KEY_CSV, NULL, 0, "print comma separated values", 0},
    {"plot", KEY_PLOT, "FILE.svg", 0, "also draw latency against the number of routes, with gnuplot", 0},
    {"list", KEY_LIST, NULL, 0, "list the suites, and exit", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "measure each figure N times, 1 to 99; 7 if not given", 1},
    {"routes", KEY_ROUTES, "MOST", 0, "leave out what needs more routes; 1000000 if not given", 1},
    {"fetchers", KEY_FETCHERS, "MOST", 0, "with fleet: simulate so many fetchers at most; 10000 if not given",
     1},
    {"against", KEY_AGAINST, "LIBRARY", 0, "with lookup: measure another liblarshm.so in place of the peers",
     1},
    {"cpu", KEY_CPU, "N", 0, "run what is timed on this processor only", 1},
    {0},
};

struct arguments {
    struct bench *bench;
    output_fn *output;
    const char *plot, *against;
    bool list, all;
    int cpu; /* -1: any */
    const struct suite *wanted[SUITES_MAX];
    size_t wanted_count;
};

static uint32_t take_number(const struct argp_state *state, const char *name, const char *text,
                            uint32_t least, uint32_t most)
{
    uint32_t value = 0;
    if (!number_parse(text, least, most, &value))
        argp_error(state, "%s '%s' is not a decimal number from %u to %u", name, text, least, most);
    return value;
}

static const struct suite *take_suite(const struct argp_state *state, const char *name)
{
    const char *names[SUITES_MAX];
    char hint[128];
    size_t count = 0;
    for (; suites[count].name; count++) {
        names[count] = suites[count].name;
        if (strcmp(suites[count].name, name) == 0)
            return &suites[count];
    }
    suggest(name, strlen(name), names, count, hint, sizeof(hint));
    argp_error(state, "no suite '%s', see --list: %s", name, hint);
    return NULL;
}

static bool only_lookup(const struct arguments *arguments)
{
    return !arguments->all && arguments->wanted_count == 1 && arguments->wanted[0]->run == suite_lookup;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct bench *bench = arguments->bench;
    switch (key) {
    case 'j':
        arguments->output = output_json;
        return 0;
    case KEY_CSV:
        arguments->output = output_csv;
        return 0;
    case KEY_PLOT:
        arguments->plot = arg;
        return 0;
    case KEY_LIST:
        arguments->list = true;
        return 0;
    case KEY_ROUNDS:
        bench->rounds = take_number(state, "--rounds", arg, 1, ROUNDS_MAX);
        return 0;
    case KEY_ROUTES:
        bench->routes_max = take_number(state, "--routes", arg, 1, 10 * 1000 * 1000);
        return 0;
    case KEY_FETCHERS:
        bench->fetchers_max = take_number(state, "--fetchers", arg, 1, FETCHERS);
        return 0;
    case KEY_CPU:
        arguments->cpu = (int)take_number(state, "--cpu", arg, 0, CPU_SETSIZE - 1);
        return 0;
    case KEY_AGAINST:
        arguments->against = arg;
        return 0;
    case ARGP_KEY_ARG:
        bench->patient = true;
        if (strcmp(arg, "all") == 0)
            arguments->all = true;
        else if (arguments->wanted_count == SUITES_MAX)
            argp_error(state, "too many suites");
        else
            arguments->wanted[arguments->wanted_count++] = take_suite(state, arg);
        return 0;
    case ARGP_KEY_SUCCESS:
        if (arguments->against && !only_lookup(arguments))
            argp_error(state, "--against is for lookup: larshm bench lookup --against %s",
                       arguments->against);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "[SUITE...]", doc, NULL, NULL, NULL};

static void list_suites(void)
{
    for (const struct suite *suite = suites; suite->name; suite++)
        printf("%-10s %s%s\n", suite->name, suite->measures, suite->slow ? " (slow)" : "");
}

static bool is_wanted(const struct arguments *arguments, const struct suite *suite)
{
    for (size_t i = 0; i < arguments->wanted_count; i++)
        if (arguments->wanted[i] == suite)
            return true;
    return arguments->all || (arguments->wanted_count == 0 && !suite->slow);
}

/* After a suite has failed the others still run. */
static bool run_suites(struct bench *bench, const struct arguments *arguments)
{
    bool done = true;
    for (const struct suite *suite = suites; suite->name && !bench_stopped(); suite++)
        if (is_wanted(arguments, suite))
            done = suite->run(bench) && done;
    bench_progress_end(bench);
    return done && !bench_stopped();
}

static bool print_all(const struct machine *machine, const struct bench *bench,
                      const struct arguments *arguments)
{
    bool done = arguments->output(machine, &bench->figures);
    return (!arguments->plot || output_plot(&bench->figures, arguments->plot)) && done;
}

int main(int argc, char **argv)
{
    struct bench bench = {.rounds = ROUNDS,
                          .routes_max = 1000 * 1000,
                          .fetchers_max = FETCHERS,
                          .progress = isatty(STDERR_FILENO)};
    struct machine machine;
    struct arguments arguments = {.bench = &bench, .output = output_table, .cpu = -1};
    start_prepare();
    argp_err_exit_status = EXIT_FAILURE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_FAILURE;
    if (arguments.list) {
        list_suites();
        return EXIT_SUCCESS;
    }
    const char *directory = directory_or_default(NULL);
    if (!directory)
        errx(EXIT_FAILURE, "LARSHM_DIRECTORY is no absolute path of at most %d characters",
             DIRECTORY_PATH_MAX - 1);
    region_set_directory(directory);
    struct library other;
    if (arguments.against) {
        if (!library_load(arguments.against, &other))
            return EXIT_FAILURE;
        bench.against = &other;
    }
    sched_getaffinity(0, sizeof(bench.cpus), &bench.cpus);
    if ((arguments.plot && !plot_possible()) || (arguments.cpu >= 0 && !bench_pin(&bench, arguments.cpu)))
        return EXIT_FAILURE;
    bench_catch_signals();
    machine_read(&bench, &machine);
    bool done = run_suites(&bench, &arguments);
    if (!bench_stopped())
        done = print_all(&machine, &bench, &arguments) && done;
    figures_free(&bench.figures);
    if (bench_stopped()) { /* the parent sees which signal ended us */
        signal(bench_stopped(), SIG_DFL);
        raise(bench_stopped());
    }
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
