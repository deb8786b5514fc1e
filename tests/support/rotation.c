/* SPDX-License-Identifier: MIT */
#include "tests/support/rotation.h"

#include <arpa/inet.h>

const char turn_without_time[] = "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\n";

void turn_start(struct scene *scene, const char *config)
{
    scene->fetcher.config.more = config;
    scene_connect(scene);
    scene_learn(scene, 1, 1, TURN_HOSTS, TURN_PORT);
}

larshm_host turn_host(int last)
{
    return (larshm_host){.modid = 1,
                         .cmdid = 1,
                         .addr = htonl(UINT32_C(0x0a000000) + (uint32_t)last),
                         .port = htons(TURN_PORT)};
}

void turn_report(larshm *client, int last, int retcode, unsigned times)
{
    const larshm_host host = turn_host(last);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(larshm_report(client, &host, retcode), LARSHM_OK);
}

void turn_eject(struct scene *scene, int last)
{
    turn_report(scene->client, last, 1, TURN_STREAK);
    eventually(turn_overloaded(scene, last));
}

struct standing turn_standing(const struct scene *scene, int last)
{
    struct standing standing;
    standings_read(&scene->fetcher, route_key(1, 1), standings_host(last, TURN_PORT), &standing);
    return standing;
}

bool turn_overloaded(const struct scene *scene, int last)
{
    return turn_standing(scene, last).state == STANDING_OVERLOADED;
}

bool turn_counted(const struct scene *scene, int last, uint64_t calls)
{
    struct standing standing = turn_standing(scene, last);
    return standing.total_succ + standing.total_err == calls;
}

struct picks turn_pick(larshm *client, unsigned times)
{
    struct picks picks = {0};
    for (unsigned i = 0; i < times; i++) {
        larshm_host picked;
        int code = larshm_get_host(client, 1, 1, &picked);
        uint32_t last = code == LARSHM_OK ? ntohl(picked.addr) - UINT32_C(0x0a000000) : 0;
        assert_true(code == LARSHM_OK || code == LARSHM_OVERLOAD);
        assert_in_range(last, code == LARSHM_OK, TURN_HOSTS_MOST);
        picks.of[last]++;
    }
    return picks;
}

bool turn_includes(larshm *client, int last)
{
    enum {
        ROUNDS = 10
    };
    return turn_pick(client, ROUNDS * TURN_PERIOD).of[last] > 2 * ROUNDS;
}

void turn_expect_probes_only(larshm *client, int last)
{
    struct picks picks = turn_pick(client, TURN_PICKS);
    assert_int_equal(picks.of[0], 0);
    assert_int_equal(picks.of[last], TURN_PICKS / TURN_PERIOD);
}

void turn_expect_all(larshm *client)
{
    enum {
        SHARE = TURN_PICKS / TURN_HOSTS,
        OFF = TURN_PICKS / 50
    };
    struct picks picks = turn_pick(client, TURN_PICKS);
    for (int last = 1; last <= TURN_HOSTS; last++)
        assert_in_range(picks.of[last], SHARE - OFF, SHARE + OFF);
}
