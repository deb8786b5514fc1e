/* SPDX-License-Identifier: MIT */
#include "tools/larshm/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "shm/clock.h"
#include "shm/doorbell.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Prints a line for every change of a route, until interrupted. Costs the fetcher nothing, "
    "goes on while it is dead, and follows it through restarts.\v"
    "A line has the time, MODID/CMDID, the version, and the new hosts. Changes of one route within a few "
    "milliseconds show as one. With --count and --for, exit code 124 means that the time was over first.\n\n"
    "Examples:\n"
    "  larshm watch\n"
    "  larshm watch --count 1 --for 60   wait for a change, at most a minute\n"
    "  larshm -j watch | jq -c .route    all hosts, an object on each line\n\n" EXIT_CODES_DOC;

enum {
    NAME_CHECK_MS = 1000 /* between checks that the object still has its name, while nothing is published */
};

static const struct argp_option options[] = {
    {"count", 'c', "N", 0, "end after N lines", 0},
    {"for", 'f', "SECONDS", 0, "end after SECONDS", 0},
    {0},
};

struct watch {
    struct common *common;
    uint32_t count;   /* lines to print; 0: no end */
    uint32_t seconds; /* to go on for; 0: no end */
    uint32_t printed;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct watch *watch = state->input;
    switch (key) {
    case 'c':
        watch->count = take_number(state, "--count", arg, 1, UINT32_MAX);
        return 0;
    case 'f':
        watch->seconds = take_number(state, "--for", arg, 1, UINT32_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "", doc, common_children, NULL, NULL};

static int print_text(uint64_t now, const struct route *route)
{
    printf("%s.%03u  %" PRIu32 "/%" PRIu32 "  version %" PRIu64 "  %s\n", text_time(now).is,
           (unsigned)(now % 1000), route->key.modid, route->key.cmdid, route->version,
           route->host_count ? route_first_hosts(route).is : "no such route");
    return 0;
}

static int print_json(uint64_t now, const struct route *route)
{
    return json_print_line(json_pack("{s:i, s:I, s:o}", "version", JSON_VERSION, "time_unix_ms",
                                     json_number(now), "route", json_route(route, NULL)));
}

enum {
    DONE = 256 /* no exit code: all lines that were wanted are printed */
};

static int print_change(void *context, const struct route *route)
{
    struct watch *watch = context;
    uint64_t now = clock_unix_ms();
    int code = watch->common->json ? print_json(now, route) : print_text(now, route);
    if (code != 0)
        return code;
    if (fflush(stdout) != 0)
        return EXIT_USAGE; /* start_prepare() has it reported */
    watch->printed++;
    return watch->printed == watch->count ? DONE : 0;
}

static void announce(const struct follower *follower)
{
    say("watching %s, generation %" PRIu64, follower->at.names.routes, follower->at.routes.generation);
}

/* How long to sleep now; 0: the time is over. */
static uint32_t slice(const struct watch *watch, uint64_t start)
{
    if (watch->seconds == 0)
        return NAME_CHECK_MS;
    uint64_t passed = clock_tick() - start, whole = watch->seconds * UINT64_C(1000);
    uint64_t left = whole > passed ? whole - passed : 0;
    return left < NAME_CHECK_MS ? (uint32_t)left : NAME_CHECK_MS;
}

static int time_over(const struct watch *watch)
{
    if (watch->count == 0)
        return EXIT_SUCCESS;
    return fail(watch->common, EXIT_TIMED_OUT, "%" PRIu32 " of %" PRIu32 " line%s within %" PRIu32 " s",
                watch->printed, watch->count, number_plural(watch->count), watch->seconds);
}

static int follow(struct watch *watch, struct follower *follower)
{
    uint64_t start = clock_tick();
    for (;;) {
        /* Before the read: once the name is another object's, nothing more is written to this one. */
        bool renamed = instance_renamed(&follower->at);
        uint32_t bell = doorbell_count(&follower->at.routes);
        int result = follower_report(follower, print_change, watch);
        if (result < 0)
            return say_no_memory();
        if (result != 0)
            return result == DONE ? EXIT_SUCCESS : result;
        if (renamed && follower_switch(follower)) {
            announce(follower);
            continue;
        }
        uint32_t sleep_ms = slice(watch, start);
        if (sleep_ms == 0)
            return time_over(watch);
        doorbell_wait(&follower->at.routes, bell, DOORBELL_CHANGES, sleep_ms);
    }
}

int command_watch(struct common *common, int argc, char **argv)
{
    struct watch watch = {.common = common};
    struct follower follower;
    if (argp_parse(&argp, argc, argv, 0, NULL, &watch) != 0)
        return EXIT_USAGE;
    enum shm_status status = follower_open(common->instance, &follower);
    if (status != SHM_OK)
        return fail_unopened(common, (int)status);
    announce(&follower);
    int code = follow(&watch, &follower);
    follower_close(&follower);
    return code;
}
