/* SPDX-License-Identifier: MIT */
#include "tests/failure/play.h"

#include <stdio.h>
#include <unistd.h>

enum {
    ROUTES = 6,      /* cmdid c of modid 1 has c hosts, if c is odd, and none otherwise */
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
    return true;
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
    return !exists(names->next_routes) && !exists(names->next_control) &&
           exists(names->routes) == exists(names->control);
}
