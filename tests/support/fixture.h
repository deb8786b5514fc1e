/* SPDX-License-Identifier: MIT */
/* A fetcher between a scripted directory and a client: where most tests of the daemon run. */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include "larshm/larshm.h"
#include "tests/support/directory.h"
#include "tests/support/eventually.h"
#include "tests/support/fetcher.h"

struct fixture {
    struct directory directory;
    struct fetcher fetcher;
    larshm *client;
};

/* cmocka set-up and tear-down: *state is a struct fixture. Nothing listens and nothing runs yet. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* Starts the fetcher and opens the client. */
void fixture_start(struct fixture *fixture);
/* Has the directory listen, starts, and accepts the fetcher's connection. */
void fixture_connect(struct fixture *fixture);

/* A look at the route that demands nothing. */
larshm_route_info fixture_info(struct fixture *fixture, uint32_t modid, uint32_t cmdid);

/* A client's lookup, with all that follows from it. */
int fixture_lookup(struct fixture *fixture, uint32_t modid, uint32_t cmdid);

/* Looks the route up, again and again, until the directory gets a request for it. */
void fixture_lookup_until_asked(struct fixture *fixture, uint32_t modid, uint32_t cmdid);

/* Answers with hosts 10.0.0.1:port .. 10.0.0.count:port. */
void fixture_answer(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* Looks an unknown route up, and gives such an answer to the request that follows. */
void fixture_learn(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* The route is served as such an answer gave it. */
bool fixture_serves(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port);
/* Connects, and learns a route that must be served whatever happens then: 7/7, four hosts. */
void fixture_connect_with_good_route(struct fixture *fixture);
bool fixture_serves_good_route(struct fixture *fixture);
/* After a fault: the fetcher lives, the good route is served, the counter has moved, the log says why. */
void fixture_expect_survival(struct fixture *fixture, enum shm_counter counter, const char *logged);

#endif
