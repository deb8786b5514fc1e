/* SPDX-License-Identifier: MIT */
#include "tests/support/rotation.h"

#include <arpa/inet.h>

#include "shm/clock.h"

const char rotation_without_time[] =
    "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nslow_start = 0\n";

void rotation_start(struct fixture *fixture, const char *config)
{
    fixture->fetcher.config.more = config;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT);
}

larshm_host rotation_host(int last)
{
    return (larshm_host){.modid = 1,
                         .cmdid = 1,
                         .addr = htonl(UINT32_C(0x0a000000) + (uint32_t)last),
                         .port = htons(ROTATION_PORT)};
}

void rotation_report(larshm *client, int last, int retcode, unsigned times)
{
    const larshm_host host = rotation_host(last);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(larshm_report(client, &host, retcode), LARSHM_OK);
}

void rotation_eject(struct fixture *fixture, int last)
{
    rotation_report(fixture->client, last, 1, ROTATION_STREAK);
    eventually(rotation_overloaded(fixture, last));
}

struct host_health rotation_health(const struct fixture *fixture, int last)
{
    struct host_health health;
    host_health_read(&fixture->fetcher, route_key(1, 1), host_health_host(last, ROTATION_PORT), &health);
    return health;
}

bool rotation_overloaded(const struct fixture *fixture, int last)
{
    return rotation_health(fixture, last).state == HOST_EJECTED;
}

bool rotation_counted(const struct fixture *fixture, int last, uint64_t calls)
{
    struct host_health health = rotation_health(fixture, last);
    return health.total_succ + health.total_err == calls;
}

struct picks rotation_pick(larshm *client, unsigned times)
{
    struct picks picks = {0};
    for (unsigned i = 0; i < times; i++) {
        larshm_host picked;
        int code = larshm_get_host(client, 1, 1, &picked);
        uint32_t last = code == LARSHM_OK ? ntohl(picked.addr) - UINT32_C(0x0a000000) : 0;
        assert_true(code == LARSHM_OK || code == LARSHM_OVERLOAD);
        assert_in_range(last, code == LARSHM_OK, ROTATION_HOSTS_MOST);
        picks.of[last]++;
    }
    return picks;
}

bool rotation_includes(larshm *client, int last)
{
    enum {
        ROUNDS = 10
    };
    return rotation_pick(client, ROUNDS * ROTATION_PERIOD).of[last] > 2 * ROUNDS;
}

void rotation_expect_probes_only(larshm *client, int last)
{
    uint64_t began = clock_tick();
    struct picks picks = rotation_pick(client, ROTATION_PICKS);
    uint64_t seconds = (clock_tick() - began) / 1000 + 1;
    assert_int_equal(picks.of[0], 0);
    assert_in_range(picks.of[last], 0, seconds + 2); /* two of before are made up for */
}

void rotation_expect_all(larshm *client)
{
    enum {
        SHARE = ROTATION_PICKS / ROTATION_HOSTS,
        OFF = ROTATION_PICKS / 50
    };
    struct picks picks = rotation_pick(client, ROTATION_PICKS);
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        assert_in_range(picks.of[last], SHARE - OFF, SHARE + OFF);
}
