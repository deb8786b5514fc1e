/* SPDX-License-Identifier: MIT */
/* Suite "bridge": requests of old Lars clients, several under way at a time, beside a loop that echoes them. */
#include <err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tools/bench/child.h"
#include "tools/bench/deployment.h"
#include "tools/bench/fixture.h"
#include "tools/bench/timing.h"
#include "tools/bench/udp.h"

enum {
    WINDOW = 64, /* requests under way */
    REQUESTS = 20000,
    ANSWER_MAX = 64,
    REQUEST_ID = 4, /* GetHostRequest */
    ANSWER_ID = 5,  /* GetHostResponse */
    SERVERS = 2,
    ROUTES = 1000,
    HOSTS = 4,
};

static const char suite[] = "bridge";

/* A request for a host of fixture_modid(0), fixture_cmdid(0): seq 1, modid 1, cmdid 0. */
static uint8_t request[] = {REQUEST_ID, 0, 0, 0, 6, 0, 0, 0, 0x08, 1, 0x10, 1, 0x18, 0};

struct server {
    const char *name;
    int socket;
    uint8_t answer_id; /* the first byte of an answer */
    struct figure *figure;
};

struct setup {
    struct fixture fixture;
    struct deployment deployment;
    struct program bridge;
    int echo; /* the process */
    struct server servers[SERVERS];
};

/* Receives what is still under way, so that the next round does not. */
static bool drain(const struct server *server, int under_way)
{
    uint8_t answer[ANSWER_MAX];
    bool done = true;
    for (; under_way > 0 && done; under_way--)
        done = recv(server->socket, answer, sizeof(answer), 0) > 0;
    return done;
}

/* Requests a second; 0: an answer did not come in time, or is not one. */
static double rate(const struct server *server)
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
        int sent = under_way < WINDOW ? sendmmsg(server->socket, out, (unsigned)(WINDOW - under_way), 0) : 0;
        int got = sent >= 0 ? recvmmsg(server->socket, in, WINDOW, MSG_WAITFORONE, NULL) : 0;
        if (got <= 0 || answers[got - 1][0] != server->answer_id)
            return 0;
        under_way += sent - got;
        answered += got;
    }
    uint64_t ns = clock_ns() - begun;
    return drain(server, under_way) ? answered / ((double)ns / 1e9) : 0;
}

static bool set_up(const struct bench *bench, struct setup *setup)
{
    const struct fixture_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    const char *const arguments[] = {"-n", setup->fixture.instance, "--ports", "0,0,0", NULL};
    in_port_t port, echo_port;
    *setup = (struct setup){
        .servers = {{"larshm-bridge", -1, ANSWER_ID, NULL}, {"echo loop", -1, REQUEST_ID, NULL}}};
    setup->echo = echo_start(bench, &echo_port);
    if (setup->echo < 0 || (setup->servers[1].socket = udp_client(echo_port)) < 0)
        return false;
    if (!deployment_open(&setup->deployment) || !fixture_open(&setup->fixture, &shape) ||
        !deployment_start(&setup->deployment, bench, "larshm-bridge", arguments, &setup->bridge) ||
        !program_await_port(&setup->bridge, "listening on udp 127.0.0.1:", &port))
        return false;
    setup->servers[0].socket = udp_client(port);
    return setup->servers[0].socket >= 0;
}

static void tear_down(struct setup *setup)
{
    for (int i = 0; i < SERVERS; i++)
        if (setup->servers[i].socket >= 0)
            close(setup->servers[i].socket);
    program_kill(&setup->bridge);
    child_end(setup->echo);
    fixture_close(&setup->fixture);
    deployment_close(&setup->deployment);
}

static bool add_figures(struct bench *bench, struct setup *setup)
{
    for (int i = SERVERS - 1; i >= 0; i--) {
        const struct figure like = {
            .suite = suite,
            .name = setup->servers[i].name,
            .unit = "k/s",
            .parameters = {{"under_way", WINDOW}},
            .peer = i ? NULL : setup->servers[1].figure,
        };
        if (!(setup->servers[i].figure = figures_add(&bench->figures, &like)))
            return false;
    }
    return true;
}

/* With the heartbeat of a fetcher. */
static bool measure(struct bench *bench, struct setup *setup)
{
    for (uint32_t round = 0; round <= bench->rounds; round++)
        for (int i = 0; i < SERVERS; i++) {
            bench_progress(bench, "%s: round %u of %u", suite, round, bench->rounds);
            writer_heartbeat(setup->fixture.writer, clock_tick());
            double value = rate(&setup->servers[i]);
            if (bench_stopped())
                return false;
            if (value <= 0) {
                warnx("%s: no response from %s, or a wrong one", suite, setup->servers[i].name);
                return false;
            }
            if (round > 0) /* the first one is to warm up */
                figure_sample(setup->servers[i].figure, value / 1e3);
        }
    return true;
}

bool suite_bridge(struct bench *bench)
{
    struct setup setup;
    bool done = set_up(bench, &setup) && add_figures(bench, &setup) && measure(bench, &setup);
    tear_down(&setup);
    return done;
}
