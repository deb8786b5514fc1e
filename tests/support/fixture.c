/* SPDX-License-Identifier: MIT */
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    FIXTURE_HOSTS_MAX = 255,
    GOOD = 7,
    GOOD_HOSTS = 4,
    GOOD_PORT = 7000,
};

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    *state = fixture;
    directory_open(&fixture->directory);
    fetcher_init(&fixture->fetcher, fixture->directory.port);
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    larshm_close(fixture->client);
    fetcher_dispose(&fixture->fetcher);
    directory_close(&fixture->directory);
    free(fixture);
    return 0;
}

void fixture_start(struct fixture *fixture)
{
    fetcher_start(&fixture->fetcher);
    if (!fixture->client)
        assert_int_equal(larshm_open(&fixture->client, fixture->fetcher.instance), LARSHM_OK);
}

void fixture_connect(struct fixture *fixture)
{
    directory_listen(&fixture->directory);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
}

larshm_route_info fixture_info(struct fixture *fixture, uint32_t modid, uint32_t cmdid)
{
    larshm_route_info info = {0};
    larshm_info(fixture->client, modid, cmdid, &info);
    return info;
}

int fixture_lookup(struct fixture *fixture, uint32_t modid, uint32_t cmdid)
{
    larshm_host host;
    return larshm_get_host(fixture->client, modid, cmdid, &host);
}

void fixture_lookup_until_asked(struct fixture *fixture, uint32_t modid, uint32_t cmdid)
{
    struct route_key key;
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    do {
        if (clock_tick() > deadline)
            fail_msg("the directory gets no request for %u/%u", modid, cmdid);
        fixture_lookup(fixture, modid, cmdid);
    } while (!directory_takes(&fixture->directory, LOOK_EVERY_MS, &key));
    assert_true(route_key_equal(key, route_key(modid, cmdid)));
}

void fixture_answer(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    struct wire_host hosts[FIXTURE_HOSTS_MAX];
    assert_true(count <= FIXTURE_HOSTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = wire_host((int)i + 1, port);
    directory_answer(&fixture->directory, modid, cmdid, hosts, count);
}

bool fixture_serves(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    larshm_host hosts[FIXTURE_HOSTS_MAX];
    size_t found = 0;
    if (larshm_get_route(fixture->client, modid, cmdid, hosts, FIXTURE_HOSTS_MAX, &found) != LARSHM_OK ||
        found != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (hosts[i].addr != htonl(0x0a000001 + i) || hosts[i].port != htons((uint16_t)port))
            return false;
    return true;
}

void fixture_learn(struct fixture *fixture, uint32_t modid, uint32_t cmdid, uint32_t count, int port)
{
    assert_int_equal(fixture_lookup(fixture, modid, cmdid), LARSHM_PENDING);
    directory_expect(&fixture->directory, modid, cmdid);
    fixture_answer(fixture, modid, cmdid, count, port);
    eventually(fixture_info(fixture, modid, cmdid).hosts == count);
    assert_true(fixture_serves(fixture, modid, cmdid, count, port));
}

void fixture_connect_with_good_route(struct fixture *fixture)
{
    fixture_connect(fixture);
    fixture_learn(fixture, GOOD, GOOD, GOOD_HOSTS, GOOD_PORT);
}

bool fixture_serves_good_route(struct fixture *fixture)
{
    return fixture_serves(fixture, GOOD, GOOD, GOOD_HOSTS, GOOD_PORT);
}

void fixture_expect_survival(struct fixture *fixture, enum shm_counter counter, const char *logged)
{
    eventually(fetcher_counter(&fixture->fetcher, counter) > 0);
    eventually(process_said(&fixture->fetcher.process, logged) > 0);
    assert_true(process_alive(&fixture->fetcher.process));
    assert_true(fixture_serves_good_route(fixture));
}
