/* SPDX-License-Identifier: MIT */
#include "tests/failure/scenario.h"

#include <stdio.h>
#include <unistd.h>

enum {
    ROUTES = 6,      /* cmdid c of modid 1 has c hosts, if c is odd, and none otherwise */
    RESULTS = 40,    /* for each host */
    ANSWERS_MAX = 64 /* between two looks at what the client sees */
};

static bool route_served(struct scene *scene, uint32_t cmdid)
{
    return cmdid % 2 ? scene_serves(scene, 1, cmdid, cmdid, 80)
                     : scene_lookup(scene, 1, cmdid) == LARSHM_NOEXIST;
}

bool play_served(struct scene *scene)
{
    bool all = true;
    for (uint32_t cmdid = 1; cmdid <= ROUTES; cmdid++)
        all = route_served(scene, cmdid) && all;
    return all;
}

static void answer_some(struct scene *scene)
{
    uint64_t key;
    for (int i = 0; i < ANSWERS_MAX && directory_takes(&scene->directory, LOOK_EVERY_MS, &key); i++)
        scene_answer(scene, key_modid(key), key_cmdid(key), key_cmdid(key) % 2 ? key_cmdid(key) : 0, 80);
}

/* Of calls to all hosts of all routes: enough failures to have some of them judged. */
static bool results_counted(struct scene *scene)
{
    uint64_t before = fetcher_counter(&scene->fetcher, COUNTER_reports), told = 0;
    for (uint32_t cmdid = 1; cmdid <= ROUTES; cmdid += 2) {
        larshm_host hosts[ROUTES];
        size_t count = 0;
        if (larshm_get_route(scene->client, 1, cmdid, hosts, ROUTES, &count) != LARSHM_OK)
            return false;
        for (size_t i = 0; i < count * RESULTS; i++, told++)
            if (larshm_report(scene->client, &hosts[i % count], i / count % 4 == 0) != LARSHM_OK)
                return false;
    }
    uint64_t deadline = clock_tick() + PATIENCE_MS;
    while (fetcher_counter(&scene->fetcher, COUNTER_reports) < before + told) {
        if (clock_tick() > deadline)
            return false;
        pause_ms(LOOK_EVERY_MS);
    }
    return true;
}

bool play(struct scene *scene)
{
    uint64_t deadline = clock_tick() + PATIENCE_MS;
    if (!scene->client)
        assert_int_equal(larshm_open(&scene->client, scene->fetcher.instance), LARSHM_OK);
    while (!play_served(scene)) {
        if (clock_tick() > deadline)
            return false;
        directory_accepts(&scene->directory, 0);
        if (scene->directory.fd >= 0)
            answer_some(scene);
        else
            pause_ms(LOOK_EVERY_MS);
    }
    return results_counted(scene);
}

static bool exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    return access(path, F_OK) == 0;
}

bool play_left_nothing_half_made(const struct scene *scene)
{
    const struct object_names *names = &scene->fetcher.names;
    return !exists(names->next_routes) && !exists(names->next_control) && !exists(names->next_hosts) &&
           exists(names->routes) == exists(names->control);
}
