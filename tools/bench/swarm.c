/* SPDX-License-Identifier: MIT */
#include "tools/bench/swarm_internal.h"

#include <err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fetcher/decode.h"
#include "shm/clock.h"

enum {
    EVENTS = 256,
    FIRST_MS = 1000, /* over which their first attempts are spread */
    LOOK_MS = 100,   /* between two looks at bench_stopped() */
};

static bool take_events(struct swarm *swarm, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(swarm->epoll, events, EVENTS, timeout_ms);
    uint64_t now = clock_tick();
    for (int i = 0; i < ready; i++)
        if (!sim_ready(swarm, &swarm->all[events[i].data.u32], now)) {
            warnx("an answer of the directory is wrong");
            swarm->wrong = true;
            return false;
        }
    return true;
}

static bool step(struct swarm *swarm)
{
    uint32_t number;
    uint64_t now = clock_tick(), first = now + LOOK_MS;
    while (deadlines_first(&swarm->deadlines, &number, &first) && first <= now)
        sim_due(swarm, &swarm->all[number], now);
    return take_events(swarm, first > now + LOOK_MS ? LOOK_MS : (int)(first - now));
}

bool swarm_run(struct swarm *swarm, uint64_t ms, bool whole)
{
    uint64_t end = clock_tick() + ms;
    while (clock_tick() < end && !bench_stopped()) {
        if (!step(swarm))
            return false;
        if (whole && swarm->whole == swarm->size)
            return true;
    }
    return !whole && !bench_stopped();
}

static bool any_outstanding(const struct swarm *swarm)
{
    for (uint32_t i = 0; i < swarm->size; i++)
        if (swarm->all[i].outstanding)
            return true;
    return false;
}

void swarm_settle(struct swarm *swarm, uint64_t ms)
{
    uint64_t end = clock_tick() + ms;
    swarm->quiet = true;
    while (clock_tick() < end && !bench_stopped() && any_outstanding(swarm) && step(swarm))
        continue;
}

void swarm_begin(struct swarm *swarm, in_port_t port)
{
    swarm->port = port;
    swarm->whole = 0;
    swarm->counts = (struct swarm_counts){.begun = clock_tick()};
    for (uint32_t i = 0; i < swarm->size; i++) {
        swarm->all[i].fresh = 0;
        for (uint32_t j = 0; j < SWARM_EACH; j++)
            swarm->all[i].routes[j].requested = false;
    }
}

bool swarm_open(struct swarm *swarm, const struct bench *bench, uint32_t size, uint32_t routes,
                uint32_t hosts, uint32_t update_timeout_s)
{
    *swarm = (struct swarm){.bench = bench,
                            .size = size,
                            .routes = routes,
                            .hosts = hosts,
                            .all = calloc(size, sizeof(struct sim)),
                            .answer = malloc(sizeof(struct answer)),
                            .epoll = epoll_create1(EPOLL_CLOEXEC)};
    for (uint32_t i = 0; swarm->all && i < size; i++)
        swarm->all[i].fd = -1;
    bool done = swarm->all && swarm->answer && swarm->epoll >= 0 &&
                deadlines_reserve(&swarm->deadlines, size) &&
                config_load(NULL, &swarm->config, NULL, NULL) == 0;
    for (uint32_t i = 0; done && i < size; i++)
        done = expired_reset(&swarm->all[i].expired, SWARM_EACH);
    if (!done) {
        warnx("cannot simulate %u fetchers: out of memory or of descriptors", size);
        return false;
    }
    swarm->config.loadbalance.update_timeout = update_timeout_s;
    for (uint32_t i = 0; i < size; i++)
        sim_wake_at(swarm, &swarm->all[i], clock_tick() + (uint64_t)i * FIRST_MS / size);
    return true;
}

void swarm_close(struct swarm *swarm)
{
    for (uint32_t i = 0; swarm->all && i < swarm->size; i++) {
        frame_stream_free(&swarm->all[i].input);
        expired_free(&swarm->all[i].expired);
        if (swarm->all[i].fd >= 0)
            close(swarm->all[i].fd);
    }
    if (swarm->epoll >= 0)
        close(swarm->epoll);
    deadlines_free(&swarm->deadlines);
    free(swarm->all);
    free(swarm->answer);
    *swarm = (struct swarm){.epoll = -1};
}
