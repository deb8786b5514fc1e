/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <larshm/larshm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/grid.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/interrupt.h"
#include "tools/larshm/json.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Looks hosts up as fast as it goes, in one thread or THREADS of them, and shows how many lookups a second that "
    "are, for each thread and in all. Nothing is reported, no host is contacted.\v"
    "Ctrl-C ends it with the result so far.\n\n"
    "Examples:\n"
    "  larshm qps                              one thread, any route\n"
    "  larshm qps 4 --route 1/2 --seconds 10\n\n" EXIT_CODES_DOC;

enum {
    THREADS_MAX = 1024,
    SECONDS_MAX = 86400,
    DEFAULT_SECONDS = 3,
    BATCH = 256, /* lookups between looks whether it is over */
    LOOK_US = 10000,
};

static const struct argp_option options[] = {
    {"route", 'r', "MODID/CMDID", 0, "the route to look up; the first with hosts if not given", 0},
    {"seconds", 's', "SECONDS", 0, "go on for so long; 3 if not given", 0},
    {0},
};

struct arguments {
    struct common *common;
    struct route_name name;
    bool named;
    uint32_t threads, seconds;
};

static void take_route(const struct argp_state *state, char *text, struct route_name *out)
{
    char *slash = strchr(text, '/');
    if (!slash)
        argp_error(state, "--route '%s' is not MODID/CMDID", text);
    *slash = '\0';
    out->modid = take_number(state, "MODID", text, 0, UINT32_MAX);
    out->cmdid = take_number(state, "CMDID", slash + 1, 0, UINT32_MAX);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = arguments->common;
        return 0;
    case 'r':
        take_route(state, arg, &arguments->name);
        arguments->named = true;
        return 0;
    case 's':
        arguments->seconds = take_number(state, "--seconds", arg, 1, SECONDS_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "too many arguments: THREADS is all");
        arguments->threads = take_number(state, "THREADS", arg, 1, THREADS_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "[THREADS]", doc, common_children, NULL, NULL};

struct worker {
    pthread_t thread;
    larshm *h;
    struct route_name name;
    const _Atomic uint32_t *stop;
    uint64_t calls, overloaded, failed, ms;
    int failure; /* the last of those that failed */
};

/* Counts in memory of its own while it runs: neighbours in the array share cache lines. */
static void *work(void *argument)
{
    struct worker *worker = argument, own = *worker;
    uint64_t start = clock_tick();
    do
        for (int i = 0; i < BATCH; i++) {
            larshm_host host;
            int code = larshm_get_host(own.h, own.name.modid, own.name.cmdid, &host);
            own.calls++;
            if (code == LARSHM_OVERLOAD) {
                own.overloaded++;
            } else if (code != LARSHM_OK) {
                own.failed++;
                own.failure = code;
            }
        }
    while (!load_relaxed(own.stop));
    own.ms = clock_tick() - start;
    own.thread = worker->thread;
    *worker = own;
    return NULL;
}

static uint64_t rate(const struct worker *worker)
{
    return worker->ms ? worker->calls * 1000 / worker->ms : 0;
}

struct sum {
    uint64_t calls, overloaded, failed, rate;
    int failure;
};

static struct sum sum_of(const struct worker *workers, uint32_t count)
{
    struct sum sum = {0};
    for (uint32_t i = 0; i < count; i++) {
        sum.calls += workers[i].calls;
        sum.overloaded += workers[i].overloaded;
        sum.failed += workers[i].failed;
        sum.rate += rate(&workers[i]);
        if (workers[i].failed)
            sum.failure = workers[i].failure;
    }
    return sum;
}

static int print_text(const struct arguments *arguments, const struct worker *workers, const struct sum *sum)
{
    static const struct grid_column columns[] = {{"THREAD", true}, {"CALLS/S", true}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    for (uint32_t i = 0; i < arguments->threads; i++) {
        char number[16];
        snprintf(number, sizeof(number), "%" PRIu32, i + 1);
        grid_row(grid, (const char *[]){number, text_count(rate(&workers[i])).is}, NULL);
    }
    grid_row(grid, (const char *[]){"all", text_count(sum->rate).is}, NULL);
    printf("route %" PRIu32 "/%" PRIu32 ", %" PRIu32 " thread%s, %s\n", arguments->name.modid,
           arguments->name.cmdid, arguments->threads, text_plural(arguments->threads),
           text_span(workers[0].ms).is);
    int code = grid_print(grid);
    if (code == EXIT_SUCCESS && sum->overloaded)
        printf("%s of %s were answered with OVERLOAD\n", text_count(sum->overloaded).is,
               text_count(sum->calls).is);
    return code;
}

static json_t *json_threads(const struct worker *workers, uint32_t count)
{
    json_t *threads = json_array();
    for (uint32_t i = 0; threads && i < count; i++) {
        json_t *thread = json_pack("{s:I, s:I, s:I}", "calls", json_number(workers[i].calls), "ms",
                                   json_number(workers[i].ms), "calls_per_s", json_number(rate(&workers[i])));
        if (json_array_append_new(threads, thread) != 0) {
            json_decref(threads);
            threads = NULL;
        }
    }
    return threads;
}

static int print_json(const struct arguments *arguments, const struct worker *workers, const struct sum *sum)
{
    return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "version", JSON_VERSION,
                                "instance", arguments->common->instance, "modid",
                                (json_int_t)arguments->name.modid, "cmdid", (json_int_t)arguments->name.cmdid,
                                "calls", json_number(sum->calls), "overloaded", json_number(sum->overloaded),
                                "failed", json_number(sum->failed), "calls_per_s", json_number(sum->rate),
                                "threads", json_threads(workers, arguments->threads)));
}

static int finish(const struct arguments *arguments, const struct worker *workers)
{
    struct sum sum = sum_of(workers, arguments->threads);
    if (sum.failed == sum.calls)
        return fail_lookup(arguments->common, &arguments->name, sum.failure);
    if (sum.failed)
        say("%" PRIu64 " of %" PRIu64 " calls got no host: %s", sum.failed, sum.calls,
            larshm_strerror(sum.failure));
    return arguments->common->json ? print_json(arguments, workers, &sum)
                                   : print_text(arguments, workers, &sum);
}

/* Until the time is over. */
static void wait_for_end(const struct arguments *arguments)
{
    uint64_t end = clock_tick() + arguments->seconds * UINT64_C(1000);
    while (!interrupted() && clock_tick() < end)
        usleep(LOOK_US);
}

static int measure(larshm *h, const struct arguments *arguments)
{
    struct worker *workers = calloc(arguments->threads, sizeof(*workers));
    _Atomic uint32_t stop = 0;
    uint32_t started = 0;
    int error = 0;
    if (!workers)
        return say_no_memory();
    interrupt_catch();
    while (started < arguments->threads && error == 0) {
        struct worker *worker = &workers[started];
        *worker = (struct worker){.h = h, .name = arguments->name, .stop = &stop};
        error = pthread_create(&worker->thread, NULL, work, worker);
        started += error == 0;
    }
    if (error == 0)
        wait_for_end(arguments);
    store_relaxed(&stop, 1);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    int code = error ? fail(arguments->common, EXIT_USAGE, "cannot start %" PRIu32 " threads: %s",
                            arguments->threads, strerror(error))
                     : finish(arguments, workers);
    free(workers);
    return code;
}

enum {
    FOUND = 1
};

static int note_first(void *context, const struct route *route)
{
    if (route->host_count == 0)
        return 0;
    *(struct route_name *)context = (struct route_name){route->modid, route->cmdid};
    return FOUND;
}

/* The first route that has hosts. Returns the exit code. */
static int choose_route(const struct common *common, struct route_name *out)
{
    struct instance instance;
    unsigned long damaged = 0;
    enum shm_status status = instance_open(common->instance, &instance);
    if (status != SHM_OK)
        return fail_unopened(common, (int)status);
    int result = route_walk(&instance.routes, note_first, out, &damaged);
    instance_close(&instance);
    if (result < 0)
        return say_no_memory();
    if (result == FOUND)
        return EXIT_SUCCESS;
    return fail(common, EXIT_NO_ROUTE, "no route with hosts is here: `larshm wait MODID CMDID` brings one");
}

int command_qps(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common, .threads = 1, .seconds = DEFAULT_SECONDS};
    const struct route_name *name = &arguments.name;
    larshm_host host;
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code = arguments.named ? EXIT_SUCCESS : choose_route(common, &arguments.name);
    if (code != EXIT_SUCCESS)
        return code;
    code = larshm_open(&h, common->instance);
    if (code != LARSHM_OK)
        return fail_unopened(common, code);
    code = larshm_get_host(h, name->modid, name->cmdid, &host);
    code = code == LARSHM_OK || code == LARSHM_OVERLOAD ? measure(h, &arguments)
                                                        : fail_lookup(common, name, code);
    larshm_close(h);
    return code;
}
