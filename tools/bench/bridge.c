/* SPDX-License-Identifier: MIT */
/* Suite "bridge": requests of old Lars clients, several under way at a time, beside a loop that only echoes them. */
#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tools/bench/child.h"
#include "tools/bench/echo.h"
#include "tools/bench/program.h"
#include "tools/bench/stamp.h"
#include "tools/bench/world.h"

enum {
    WINDOW = 64, /* requests under way */
    REQUESTS = 20000,
    ANSWER_MAX = 64,
    REQUEST_ID = 4, /* GetHostRequest */
    ANSWER_ID = 5,  /* GetHostResponse */
    WAYS = 2,
    ROUTES = 1000,
    HOSTS = 4,
};

static const char suite[] = "bridge";

/* A frame that asks for a host of world_modid(0), world_cmdid(0): seq 1, modid 1, cmdid 0. */
static uint8_t request[] = {REQUEST_ID, 0, 0, 0, 6, 0, 0, 0, 0x08, 1, 0x10, 1, 0x18, 0};

struct way {
    const char *name;
    int socket;
    uint8_t answer_id; /* the first byte of an answer */
    struct figure *figure;
};

struct fixture {
    struct world world;
    struct site site;
    struct program bridge;
    int echo; /* the process */
    struct way ways[WAYS];
};

/* What is still under way would be found by the next round. */
static bool drain(const struct way *way, int under_way)
{
    uint8_t answer[ANSWER_MAX];
    bool done = true;
    for (; under_way > 0 && done; under_way--)
        done = recv(way->socket, answer, sizeof(answer), 0) > 0;
    return done;
}

/* Requests a second; 0: an answer did not come in time, or is not one. */
static double rate(const struct way *way)
{
    static uint8_t answers[WINDOW][ANSWER_MAX];
    struct iovec out_part = {request, sizeof(request)}, in_parts[WINDOW];
    struct mmsghdr out[WINDOW] = {0}, in[WINDOW] = {0};
    for (int i = 0; i < WINDOW; i++) {
        in_parts[i] = (struct iovec){answers[i], ANSWER_MAX};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &out_part, .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &in_parts[i], .msg_iovlen = 1};
    }
    uint64_t begun = clock_ns();
    int under_way = 0, answered = 0;
    while (answered < REQUESTS) {
        int sent = under_way < WINDOW ? sendmmsg(way->socket, out, (unsigned)(WINDOW - under_way), 0) : 0;
        int got = sent >= 0 ? recvmmsg(way->socket, in, WINDOW, MSG_WAITFORONE, NULL) : 0;
        if (got <= 0 || answers[got - 1][0] != way->answer_id)
            return 0;
        under_way += sent - got;
        answered += got;
    }
    uint64_t ns = clock_ns() - begun;
    return drain(way, under_way) ? answered / ((double)ns / 1e9) : 0;
}

static bool open_scene(const struct bench *bench, struct fixture *fixture)
{
    const struct world_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    const char *const arguments[] = {"-n", fixture->world.instance, "--ports", "0,0,0", NULL};
    char port[PROGRAM_LINE];
    struct sockaddr_in address;
    *fixture = (struct fixture){
        .ways = {{"larshm-bridge", -1, ANSWER_ID, NULL}, {"echo loop", -1, REQUEST_ID, NULL}}};
    fixture->echo = echo_start(bench, &address);
    if (fixture->echo < 0 || (fixture->ways[1].socket = echo_client(&address)) < 0)
        return false;
    if (!site_open(&fixture->site) || !world_open(&fixture->world, &shape) ||
        !program_start(&fixture->bridge, bench, &fixture->site, "larshm-bridge", arguments) ||
        !program_await(&fixture->bridge, "listening on udp 127.0.0.1:", port))
        return false;
    address.sin_port = htons((in_port_t)strtoul(port, NULL, 10));
    return (fixture->ways[0].socket = echo_client(&address)) >= 0;
}

static void close_scene(struct fixture *fixture)
{
    for (int i = 0; i < WAYS; i++)
        if (fixture->ways[i].socket >= 0)
            close(fixture->ways[i].socket);
    program_kill(&fixture->bridge);
    child_end(fixture->echo);
    world_close(&fixture->world);
    site_close(&fixture->site);
}

static bool add_figures(struct bench *bench, struct fixture *fixture)
{
    for (int i = WAYS - 1; i >= 0; i--) {
        const struct figure like = {
            .suite = suite,
            .name = fixture->ways[i].name,
            .unit = "k/s",
            .parameters = {{"under_way", WINDOW}},
            .peer = i ? NULL : fixture->ways[1].figure,
        };
        if (!(fixture->ways[i].figure = figures_add(&bench->figures, &like)))
            return false;
    }
    return true;
}

/* As long as a fetcher lives it gives signs of life. */
static bool measure(struct bench *bench, struct fixture *fixture)
{
    for (uint32_t round = 0; round <= bench->rounds; round++)
        for (int i = 0; i < WAYS; i++) {
            bench_progress(bench, "%s: round %u of %u", suite, round, bench->rounds);
            writer_heartbeat(fixture->world.writer, clock_tick());
            double value = rate(&fixture->ways[i]);
            if (bench_stopped())
                return false;
            if (value <= 0) {
                warnx("%s: %s does not answer, or wrongly", suite, fixture->ways[i].name);
                return false;
            }
            if (round > 0) /* the first one is to warm up */
                figure_sample(fixture->ways[i].figure, value / 1e3);
        }
    return true;
}

bool suite_bridge(struct bench *bench)
{
    struct fixture fixture;
    bool done = open_scene(bench, &fixture) && add_figures(bench, &fixture) && measure(bench, &fixture);
    close_scene(&fixture);
    return done;
}
