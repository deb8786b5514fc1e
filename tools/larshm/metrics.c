/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/system_error.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/metrics_page.h"
#include "tools/larshm/metrics_serve.h"
#include "tools/larshm/say.h"
#include "tools/larshm/textfile.h"

static const char doc[] =
    "Prints what there is to know of an instance as numbers for Prometheus, in its text format. Each has a line "
    "that says what it is, and those of an instance a label \"larshm_instance\".\v"
    "Printed once, it fails where there is no instance. A file and a server say so by larshm_up 0 and "
    "larshm_fetcher_alive 0 instead, and go on.\n\n"
    "ADDRESS is IP:PORT or [IPv6]:PORT, or one of both: the other is 127.0.0.1 or 9778. The server answers GET "
    "/metrics, and /health with 200 or 503, as `larshm health`, which finds neither damage nor rotation with "
    "--no-routes. What it says is at most a second old. The names of further servers of a directory are told to "
    "root and the user of larshm-fetcher alone. Exit code 78: the command line of --listen is wrong.\n\n"
    "Examples:\n"
    "  larshm metrics\n"
    "  larshm metrics --all --listen 127.0.0.1:9778\n"
    "  larshm metrics --textfile /var/lib/prometheus/node-exporter/larshm.prom\n\n" EXIT_CODES_DOC;

enum {
    OPTION_ALL = 512,
    OPTION_NO_ROUTES,
    TOP_DEFAULT = 20,
};

struct arguments {
    struct common *common;
    struct metrics_options metrics;
    const char *textfile;
    bool all, listen;
    struct sockaddr_storage address;
};

static const struct argp_option options[] = {
    {"all", OPTION_ALL, NULL, 0, "all instances that exist, in place of one", 0},
    {"top", 't', "N", 0, "the N routes that are looked up most, 0 to 64 (default 20)", 0},
    {"no-routes", OPTION_NO_ROUTES, NULL, 0,
     "without what takes a look at each route and host: states, ages, holds, results (0.2 s for a million routes)",
     0},
    {"listen", 'l', "ADDRESS", 0, "serve it over HTTP, until SIGTERM", 0},
    {"textfile", 'f', "PATH", 0, "replace the file PATH, for node_exporter, which wants a name in .prom", 0},
    {0},
};

/* Also where a mistake comes before it: a service manager need not try any of them again. No other option begins so. */
static bool will_listen(const struct argp_state *state)
{
    for (int i = 1; i < state->argc; i++)
        if (strncmp(state->argv[i], "-l", 2) == 0 || strncmp(state->argv[i], "--l", 3) == 0)
            return true;
    return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        if (will_listen(state))
            argp_err_exit_status = EX_CONFIG;
        return 0;
    case OPTION_ALL:
        arguments->all = true;
        return 0;
    case 't':
        arguments->metrics.top = take_number(state, "--top", arg, 0, TOP_ROUTES);
        return 0;
    case OPTION_NO_ROUTES:
        arguments->metrics.no_routes = true;
        return 0;
    case 'l':
        arguments->listen = true;
        if (!metrics_address(arg, &arguments->address))
            argp_error(state,
                       "--listen '%s' is no address: write IP:PORT or [IPv6]:PORT, as in 127.0.0.1:9778",
                       arg);
        return 0;
    case 'f':
        arguments->textfile = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", arg);
        return 0;
    case ARGP_KEY_END:
        if (arguments->listen && arguments->textfile)
            argp_error(state, "--listen and --textfile exclude each other");
        if (arguments->common->json)
            argp_error(state, "metrics are no JSON: `larshm -j show` has the same numbers");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "", doc, common_children, NULL, NULL};

static int fail_textfile(const struct common *common, const char *path)
{
    int error = errno;
    char *copy = strdup(path);
    if (!copy)
        return say_no_memory();
    const char *directory = dirname(copy);
    int code;
    if (error == ENOENT && access(directory, F_OK) != 0)
        code =
            fail(common, EXIT_USAGE,
                 "cannot write %s: directory %s does not exist: create it, or name another", path, directory);
    else if (error == EEXIST)
        code =
            fail(common, EXIT_USAGE, "cannot replace %s: it is there, and no file: name another path", path);
    else
        code = fail(common, error == EACCES ? EXIT_PERMISSION : EXIT_USAGE, "cannot write %s: %s", path,
                    system_error_text(error));
    free(copy);
    return code;
}

/* Once: to a file, or to stdout. */
static int write_once(const struct arguments *arguments)
{
    const struct common *common = arguments->common;
    struct metrics_set set;
    size_t length;
    if (!metrics_collect(&arguments->metrics, &set))
        return fail(common, EXIT_USAGE, "no metrics: %s", system_error_text(errno));
    char *text = metrics_page(&set, &length);
    const enum shm_status status = arguments->all ? SHM_OK : set.all[0].status;
    metrics_set_free(&set);
    if (!text)
        return say_no_memory();
    int code = EXIT_SUCCESS;
    if (arguments->textfile)
        code = textfile_write(arguments->textfile, text, length) ? EXIT_SUCCESS
                                                                 : fail_textfile(common, arguments->textfile);
    else if (status != SHM_OK)
        code = fail_unopened(common, (int)status);
    else
        fwrite(text, 1, length, stdout);
    free(text);
    return code;
}

int command_metrics(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common, .metrics = {.top = TOP_DEFAULT}};
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    struct object_names names;
    if (!directory_or_default(NULL) || (!arguments.all && object_names(common->instance, &names) != SHM_OK)) {
        fail_unopened(common, SHM_BAD_ARGUMENT);
        return arguments.listen ? EX_CONFIG : EXIT_USAGE;
    }
    if (!arguments.all)
        arguments.metrics.instance = common->instance;
    return arguments.listen ? metrics_serve(&arguments.metrics, &arguments.address) : write_once(&arguments);
}
