/* SPDX-License-Identifier: MIT */
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    SCENE_HOSTS_MAX = 255,
    GOOD = 7,
    GOOD_HOSTS = 4,
    GOOD_PORT = 7000,
};

int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    if (!scene)
        return -1;
    *state = scene;
    directory_open(&scene->directory);
    fetcher_init(&scene->fetcher, scene->directory.port);
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    larshm_close(scene->client);
    fetcher_dispose(&scene->fetcher);
    directory_close(&scene->directory);
    free(scene);
    return 0;
}

void scene_start(struct scene *scene)
{
    fetcher_start(&scene->fetcher);
    if (!scene->client)
        assert_int_equal(larshm_open(&scene->client, scene->fetcher.instance), LARSHM_OK);
}

void scene_connect(struct scene *scene)
{
    directory_listen(&scene->directory);
    scene_start(scene);
    directory_accept(&scene->directory);
}

larshm_route_info scene_info(struct scene *scene, uint32_t modid, uint32_t cmdid)
{
    larshm_route_info info = {0};
    larshm_info(scene->client, modid, cmdid, &info);
    return info;
}

int scene_lookup(struct scene *scene, uint32_t modid, uint32_t cmdid)
{
    larshm_host host;
    return larshm_get_host(scene->client, modid, cmdid, &host);
}

void scene_lookup_until_asked(struct scene *scene, uint32_t modid, uint32_t cmdid)
{
    uint64_t key = 0, deadline = clock_tick() + PATIENCE_MS;
    do {
        if (clock_tick() > deadline)
            fail_msg("the directory is never asked for %u/%u", modid, cmdid);
        scene_lookup(scene, modid, cmdid);
    } while (!directory_takes(&scene->directory, LOOK_EVERY_MS, &key));
    assert_true(key == route_key(modid, cmdid));
}

void scene_answer(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    struct wire_host hosts[SCENE_HOSTS_MAX];
    assert_true(count <= SCENE_HOSTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = wire_host((int)i + 1, port);
    directory_answer(&scene->directory, modid, cmdid, hosts, count);
}

bool scene_serves(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    larshm_host hosts[SCENE_HOSTS_MAX];
    size_t found = 0;
    if (larshm_get_route(scene->client, modid, cmdid, hosts, SCENE_HOSTS_MAX, &found) != LARSHM_OK ||
        found != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (hosts[i].addr != htonl(0x0a000001 + i) || hosts[i].port != htons((uint16_t)port))
            return false;
    return true;
}

void scene_learn(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    assert_int_equal(scene_lookup(scene, modid, cmdid), LARSHM_PENDING);
    directory_expect(&scene->directory, modid, cmdid);
    scene_answer(scene, modid, cmdid, count, port);
    eventually(scene_info(scene, modid, cmdid).hosts == count);
    assert_true(scene_serves(scene, modid, cmdid, count, port));
}

void scene_connect_with_good_route(struct scene *scene)
{
    scene_connect(scene);
    scene_learn(scene, GOOD, GOOD, GOOD_HOSTS, GOOD_PORT);
}

bool scene_serves_good_route(struct scene *scene)
{
    return scene_serves(scene, GOOD, GOOD, GOOD_HOSTS, GOOD_PORT);
}

void scene_expect_survival(struct scene *scene, enum shm_counter counter, const char *logged)
{
    eventually(fetcher_counter(&scene->fetcher, counter) > 0);
    eventually(process_said(&scene->fetcher.process, logged) > 0);
    assert_true(process_alive(&scene->fetcher.process));
    assert_true(scene_serves_good_route(scene));
}
