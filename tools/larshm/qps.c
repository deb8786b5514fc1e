/* SPDX-License-Identifier: MIT */
#include "tools/larshm/qps.h"

#include <inttypes.h>
#include <larshm/larshm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "conf/system_error.h"
#include "shm/clock.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/interrupt.h"
#include "tools/larshm/route.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Looks hosts up as fast as possible, in one thread or THREADS of them, and shows how many lookups a second that "
    "are, for each thread and in all; of more than 16 threads, for the slowest, the middle and the fastest. All "
    "threads start at once, and the rates are calls by the time until the last has ended. Nothing is reported, no "
    "host is contacted.\v"
    "Ctrl-C ends it with the result so far.\n\n"
    "Examples:\n"
    "  larshm qps                              one thread, any route\n"
    "  larshm qps 4 --route 1/2 --seconds 10\n\n" EXIT_CODES_DOC;

enum {
    THREADS_MAX = 1024,
    SECONDS_MAX = 86400,
    DEFAULT_SECONDS = 3,
    BATCH = 256, /* lookups between checks of the time */
};

static const struct argp_option options[] = {
    {"route", 'r', "MODID/CMDID", 0, "the route to look up; the first with hosts if not given", 0},
    {"seconds", 's', "SECONDS", 0, "go on for so long; 3 if not given", 0},
    {0},
};

struct arguments {
    struct common *common;
    struct route_key key;
    bool named;
    uint32_t threads, seconds;
};

static void take_route(const struct argp_state *state, char *text, struct route_key *out)
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
    case 'r':
        take_route(state, arg, &arguments->key);
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

/* What all threads share. The gate is closed until they are there, and until `end` is set. */
struct run {
    larshm *h;
    struct route_key key;
    pthread_rwlock_t gate;
    uint64_t end;
};

struct worker {
    pthread_t thread;
    struct run *run;
    struct qps_thread *result;
};

/* Counts on its own stack while it runs: neighbours among the results share cache lines. */
static void *work(void *argument)
{
    const struct worker *worker = argument;
    struct run *run = worker->run;
    const struct route_key key = run->key;
    larshm *h = run->h;
    struct qps_thread own = {0};
    pthread_rwlock_rdlock(&run->gate);
    const uint64_t end = run->end;
    pthread_rwlock_unlock(&run->gate);
    do
        for (int i = 0; i < BATCH; i++) {
            larshm_host host;
            int code = larshm_get_host(h, key.modid, key.cmdid, &host);
            own.calls++;
            if (code == LARSHM_OVERLOAD) {
                own.overloaded++;
            } else if (code != LARSHM_OK) {
                own.failed++;
                own.failure = code;
            }
        }
    while (!interrupted() && clock_tick() < end);
    *worker->result = own;
    return NULL;
}

/* Runs all threads side by side until their time is over. Returns 0, or an errno when not all could be started. */
static int run_threads(larshm *h, const struct arguments *arguments, struct worker *workers,
                       struct qps_thread *results, uint64_t *ms)
{
    struct run run = {.h = h, .key = arguments->key, .gate = PTHREAD_RWLOCK_INITIALIZER};
    uint32_t started = 0;
    int error = 0;
    pthread_rwlock_wrlock(&run.gate);
    while (started < arguments->threads && error == 0) {
        struct worker *worker = &workers[started];
        *worker = (struct worker){.run = &run, .result = &results[started]};
        error = pthread_create(&worker->thread, NULL, work, worker);
        started += error == 0;
    }
    uint64_t start = clock_tick();
    run.end = error ? start : start + arguments->seconds * UINT64_C(1000);
    pthread_rwlock_unlock(&run.gate);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    *ms = clock_tick() - start;
    pthread_rwlock_destroy(&run.gate);
    return error;
}

static int measure(larshm *h, const struct arguments *arguments)
{
    struct worker *workers = calloc(arguments->threads, sizeof(*workers));
    struct qps_thread *threads = calloc(arguments->threads, sizeof(*threads));
    struct qps_result result = {.key = arguments->key, .count = arguments->threads, .threads = threads};
    int code;
    if (!workers || !threads) {
        code = say_no_memory();
    } else {
        interrupt_catch();
        int error = run_threads(h, arguments, workers, threads, &result.ms);
        code = error ? fail(arguments->common, EXIT_USAGE, "cannot start %" PRIu32 " thread%s: %s",
                            arguments->threads, number_plural(arguments->threads),
                            system_error_thread_text(error))
                     : qps_show(arguments->common, &result);
    }
    free(threads);
    free(workers);
    return code;
}

enum {
    FOUND = 1
};

static int use_first(void *context, const struct route *route)
{
    if (route->host_count == 0)
        return 0;
    *(struct route_key *)context = route->key;
    return FOUND;
}

/* The first route that has hosts. Returns the exit code. */
static int choose_route(const struct common *common, struct route_key *out)
{
    struct instance instance;
    unsigned long damaged = 0;
    int code = open_instance(common, &instance);
    if (code != EXIT_SUCCESS)
        return code;
    int result = route_walk(&instance.routes, use_first, out, &damaged);
    instance_close(&instance);
    if (result < 0)
        return say_no_memory();
    if (result == FOUND)
        return EXIT_SUCCESS;
    return fail(common, EXIT_NO_ROUTE,
                "no route with hosts is cached: `larshm wait MODID CMDID` requests one");
}

int command_qps(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common, .threads = 1, .seconds = DEFAULT_SECONDS};
    larshm_host host;
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code = arguments.named ? EXIT_SUCCESS : choose_route(common, &arguments.key);
    if (code != EXIT_SUCCESS)
        return code;
    code = larshm_open(&h, common->instance);
    if (code != LARSHM_OK)
        return fail_unopened(common, code);
    code = larshm_get_host(h, arguments.key.modid, arguments.key.cmdid, &host);
    code = code == LARSHM_OK || code == LARSHM_OVERLOAD ? measure(h, &arguments)
                                                        : fail_lookup(common, arguments.key, code);
    larshm_close(h);
    return code;
}
