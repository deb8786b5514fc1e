/* SPDX-License-Identifier: MIT */
/* A fetcher between a scripted directory and a client: what most tests of the daemon play in. */
#ifndef TESTS_SUPPORT_SCENE_H
#define TESTS_SUPPORT_SCENE_H

#include "larshm/larshm.h"
#include "tests/support/directory.h"
#include "tests/support/eventually.h"
#include "tests/support/fetcher.h"

struct scene {
    struct directory directory;
    struct fetcher fetcher;
    larshm *client;
};

/* cmocka set-up and tear-down: *state is a struct scene. Nothing listens and nothing runs yet. */
int scene_setup(void **state);
int scene_teardown(void **state);
#define scene_test(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

/* Starts the fetcher and opens the client. */
void scene_start(struct scene *scene);
/* Has the directory listen, starts, and accepts the fetcher's connection. */
void scene_connect(struct scene *scene);

/* A look at the route that asks for nothing. */
larshm_route_info scene_info(struct scene *scene, uint32_t modid, uint32_t cmdid);

/* A client's lookup, with all that follows from it. */
int scene_lookup(struct scene *scene, uint32_t modid, uint32_t cmdid);

/* Looks the route up, again and again, until the directory is asked for it. */
void scene_lookup_until_asked(struct scene *scene, uint32_t modid, uint32_t cmdid);

/* Answers with hosts 10.0.0.1:port .. 10.0.0.count:port. */
void scene_answer(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* Looks an unknown route up, and gives such an answer to the request that follows. */
void scene_learn(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* The route is served as such an answer gave it. */
bool scene_serves(struct scene *scene, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* Connects, and learns a route that must be served whatever happens then: 7/7, four hosts. */
void scene_connect_with_good_route(struct scene *scene);
bool scene_serves_good_route(struct scene *scene);
/* After a fault: the fetcher lives, the good route is served, the counter has moved, the log says why. */
void scene_expect_survival(struct scene *scene, enum shm_counter counter, const char *logged);

#endif
