/* SPDX-License-Identifier: MIT */
#include "tests/failure/scenario.h"
#include "tests/support/object_path.h"

#include <stdio.h>
#include <unistd.h>

enum {
    ROUTES = 6,      /* cmdid c of modid 1 has c hosts, if c is odd, and none otherwise */
    RESULTS = 40,    /* for each host */
    ANSWERS_MAX = 64 /* between two looks at what the client sees */
};

static bool route_served(struct fixture *fixture, uint32_t cmdid)
{
    return cmdid % 2 ? fixture_serves(fixture, 1, cmdid, cmdid, 80)
                     : fixture_lookup(fixture, 1, cmdid) == LARSHM_NOEXIST;
}

bool scenario_served(struct fixture *fixture)
{
    bool all = true;
    for (uint32_t cmdid = 1; cmdid <= ROUTES; cmdid++)
        all = route_served(fixture, cmdid) && all;
    return all;
}

static void answer_some(struct fixture *fixture)
{
    struct route_key key;
    for (int i = 0; i < ANSWERS_MAX && directory_takes(&fixture->directory, LOOK_EVERY_MS, &key); i++)
        fixture_answer(fixture, key.modid, key.cmdid, key.cmdid % 2 ? key.cmdid : 0, 80);
}

/* Of calls to all hosts of all routes: enough failures to have some of them judged. */
static bool results_counted(struct fixture *fixture)
{
    uint64_t before = fetcher_counter(&fixture->fetcher, COUNTER_reports), reported = 0;
    for (uint32_t cmdid = 1; cmdid <= ROUTES; cmdid += 2) {
        larshm_host hosts[ROUTES];
        size_t count = 0;
        if (larshm_get_route(fixture->client, 1, cmdid, hosts, ROUTES, &count) != LARSHM_OK)
            return false;
        for (size_t i = 0; i < count * RESULTS; i++, reported++)
            if (larshm_report(fixture->client, &hosts[i % count], i / count % 4 == 0) != LARSHM_OK)
                return false;
    }
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    while (fetcher_counter(&fixture->fetcher, COUNTER_reports) < before + reported) {
        if (clock_tick() > deadline)
            return false;
        pause_ms(LOOK_EVERY_MS);
    }
    return true;
}

bool scenario_run(struct fixture *fixture)
{
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    if (!fixture->client)
        assert_int_equal(larshm_open(&fixture->client, fixture->fetcher.instance), LARSHM_OK);
    while (!scenario_served(fixture)) {
        if (clock_tick() > deadline)
            return false;
        directory_accepts(&fixture->directory, 0);
        if (fixture->directory.fd >= 0)
            answer_some(fixture);
        else
            pause_ms(LOOK_EVERY_MS);
    }
    return results_counted(fixture);
}

bool scenario_left_nothing_half_made(const struct fixture *fixture)
{
    const struct object_names *names = &fixture->fetcher.names;
    return !object_exists(names->next_routes) && !object_exists(names->next_control) &&
           !object_exists(names->next_hosts) && object_exists(names->routes) == object_exists(names->control);
}
