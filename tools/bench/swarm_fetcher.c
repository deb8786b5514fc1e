/* SPDX-License-Identifier: MIT */
/* One simulated fetcher: its connection, what it requests, and what it makes of answers. */
#include "tools/bench/swarm_internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetcher/backoff.h"
#include "fetcher/decode.h"
#include "fetcher/resubscribe.h"
#include "shm/expiry.h"
#include "tools/bench/fixture.h"
#include "tools/bench/loopback.h"

enum {
    PER_ADDRESS = 4000, /* fetchers, so that no address is short of ports */
    PATIENCE_MS = 1000, /* between two looks at how long it has been silent */
    NONE = SWARM_EACH,
};

static uint32_t number_of(const struct swarm *swarm, const struct sim *sim)
{
    return (uint32_t)(sim - swarm->all);
}

static uint32_t route_number(const struct swarm *swarm, const struct sim *sim, uint32_t at)
{
    return (uint32_t)(((uint64_t)number_of(swarm, sim) * SWARM_EACH + at) % swarm->routes);
}

void sim_wake_at(struct swarm *swarm, const struct sim *sim, uint64_t due)
{
    deadlines_set(&swarm->deadlines, number_of(swarm, sim), due, false);
}

/* ---- a connection ---- */

static void lost(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    swarm->counts.dropped += sim->up;
    if (sim->fd >= 0)
        close(sim->fd);
    sim->fd = -1;
    sim->up = false;
    frame_stream_free(&sim->input);
    for (uint32_t i = 0; i < SWARM_EACH; i++)
        sim->routes[i].outstanding = false;
    sim->outstanding = 0;
    sim_wake_at(swarm, sim,
                now + backoff_ms(swarm->config.fetcher.reconnect_min_ms,
                                 swarm->config.fetcher.reconnect_max_ms, ++sim->failed));
}

static int open_socket(const struct swarm *swarm, const struct sim *sim)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(swarm->port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}},
                             from = {
                                 .sin_family = AF_INET,
                                 .sin_addr = {htonl(INADDR_LOOPBACK + number_of(swarm, sim) / PER_ADDRESS)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) == 0 &&
        bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
        (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void attempt(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = number_of(swarm, sim)};
    int fd = open_socket(swarm, sim);
    if (fd < 0 || epoll_ctl(swarm->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        if (fd >= 0)
            close(fd);
        lost(swarm, sim, now);
        return;
    }
    sim->fd = fd;
    sim->attempt_ends = now + swarm->config.fetcher.connect_timeout_ms;
    sim_wake_at(swarm, sim, sim->attempt_ends);
}

static void attempted(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number_of(swarm, sim)};
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(sim->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0 ||
        epoll_ctl(swarm->epoll, EPOLL_CTL_MOD, sim->fd, &event) != 0) {
        lost(swarm, sim, now);
        return;
    }
    sim->up = true;
    window_init(&sim->window);
    sim->shares = (struct shares){.filled = now};
    sim->bucket = (struct token_bucket){.filled = now};
    sim->waiting = (struct waiting){.heard = now, .answer = now};
    sim->connected = now;
    sim->resubscribe = 0;
    sim_wake_at(swarm, sim, now);
}

/* ---- requests ---- */

static bool may_request(const struct sim *sim, enum share kind)
{
    uint32_t most = window_size(&sim->window);
    return shares_has(&sim->shares, kind) && sim->outstanding < most - most / 4;
}

static void count_request(struct swarm *swarm, struct sim_route *route, enum share kind, uint64_t now)
{
    struct swarm_counts *counts = &swarm->counts;
    uint64_t tenth = (now - counts->begun) / 100;
    bool refreshed = kind == SHARE_REFRESH && route->fetched > counts->begun;
    counts->requests++;
    counts->repeated += route->requested && !refreshed;
    route->requested = true;
    if (tenth < SWARM_TENTHS) {
        counts->all[tenth]++;
        counts->refreshes[tenth] += kind == SHARE_REFRESH;
    }
}

/* Appends it to `out`, and returns the number of bytes. */
static size_t request(struct swarm *swarm, struct sim *sim, uint32_t at, enum share kind, uint64_t now,
                      uint8_t *out)
{
    struct sim_route *route = &sim->routes[at];
    count_request(swarm, route, kind, now);
    route->outstanding = true;
    sim->outstanding++;
    route->sent = now;
    shares_take(&sim->shares, kind);
    return encode_request(fixture_key(route_number(swarm, sim, at)), 0, out);
}

/* Rule 4 of Lars, of a route that is looked up all the time. */
static bool is_due(const struct sim_route *route, uint64_t now)
{
    return !route->outstanding && now > route->expires;
}

static size_t request_expired(struct swarm *swarm, struct sim *sim, uint64_t now, uint8_t *out)
{
    size_t size = 0;
    uint32_t at;
    for (uint32_t i = 0; i < SWARM_EACH; i++)
        if (is_due(&sim->routes[i], now) && !expired_has(&sim->expired, i))
            expired_add(&sim->expired, i);
    while (may_request(sim, SHARE_REFRESH) && expired_take(&sim->expired, &at))
        if (is_due(&sim->routes[at], now))
            size += request(swarm, sim, at, SHARE_REFRESH, now, out + size);
    return size;
}

static size_t resubscribe(struct swarm *swarm, struct sim *sim, uint64_t now, uint8_t *out)
{
    size_t size = 0;
    token_bucket_fill(&sim->bucket,
                      resubscribe_rate(SWARM_EACH, swarm->config.fetcher.resubscribe_per_second), now);
    while (sim->resubscribe < SWARM_EACH && sim->bucket.tokens >= 1 && may_request(sim, SHARE_RESUBSCRIBE)) {
        uint32_t at = sim->resubscribe++;
        if (sim->routes[at].outstanding || sim->routes[at].fetched > sim->connected)
            continue;
        size += request(swarm, sim, at, SHARE_RESUBSCRIBE, now, out + size);
        sim->bucket.tokens -= 1;
    }
    return size;
}

static bool is_given_up(const struct swarm *swarm, struct sim *sim, uint64_t now)
{
    if (sim->outstanding == 0)
        return false;
    sim->waiting.oldest = now;
    for (uint32_t i = 0; i < SWARM_EACH; i++)
        if (sim->routes[i].outstanding && sim->routes[i].sent < sim->waiting.oldest)
            sim->waiting.oldest = sim->routes[i].sent;
    return patience_over(&sim->waiting, swarm->config.fetcher.request_timeout_ms,
                         swarm->config.fetcher.probe_interval_ms, PATIENCE_LONG, now);
}

/* When there is something to do again, but for answers that come. */
static uint64_t next_poll(const struct swarm *swarm, const struct sim *sim, uint64_t now)
{
    uint64_t next = now + PATIENCE_MS, least = now + swarm->config.fetcher.poll_interval_ms;
    if (sim->resubscribe < SWARM_EACH && !sim->blocked) { /* when it has a token again */
        uint64_t rate = resubscribe_rate(SWARM_EACH, swarm->config.fetcher.resubscribe_per_second);
        next = now + (uint64_t)((1 - sim->bucket.tokens) * 1000 / (double)rate);
    }
    for (uint32_t i = 0; i < SWARM_EACH; i++)
        if (!sim->routes[i].outstanding && sim->routes[i].expires < next)
            next = sim->routes[i].expires + 1;
    return next > least ? next : least;
}

static void poll_sim(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    uint8_t out[2 * SWARM_EACH * REQUEST_MAX];
    size_t size = 0;
    sim->polled = now;
    if (is_given_up(swarm, sim, now)) {
        lost(swarm, sim, now);
        return;
    }
    shares_fill(&sim->shares, swarm->config.fetcher.requests_per_second, false, now);
    if (!swarm->quiet) {
        size = request_expired(swarm, sim, now, out);
        size += resubscribe(swarm, sim, now, out + size);
    }
    sim->blocked = !may_request(sim, SHARE_REFRESH) || !may_request(sim, SHARE_RESUBSCRIBE);
    /* What is outstanding fits into the socket's buffer. */
    if (size > 0 && send(sim->fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
        lost(swarm, sim, now);
    else
        sim_wake_at(swarm, sim, swarm->quiet ? now + PATIENCE_MS : next_poll(swarm, sim, now));
}

void sim_due(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    if (sim->up)
        poll_sim(swarm, sim, now);
    else if (sim->fd >= 0)
        lost(swarm, sim, now);
    else
        attempt(swarm, sim, now);
}

/* ---- answers ---- */

/* Which of its routes it is; NONE: it has no such route. */
static uint32_t find_route(const struct swarm *swarm, const struct sim *sim, struct route_key key)
{
    uint32_t number = fixture_route(key.modid, key.cmdid);
    uint32_t at = (number + swarm->routes - route_number(swarm, sim, 0)) % swarm->routes;
    return number < swarm->routes && at < SWARM_EACH ? at : NONE;
}

static bool take_answer(struct swarm *swarm, struct sim *sim, const struct frame *frame, uint64_t now)
{
    const struct answer *answer = swarm->answer;
    if (frame->id != MESSAGE_GET_ROUTE_RESPONSE ||
        decode_answer(frame->body, frame->length, swarm->answer) != DECODE_OK ||
        answer->count != swarm->hosts)
        return false;
    uint32_t at = find_route(swarm, sim, answer->key);
    if (at == NONE)
        return false;
    struct sim_route *route = &sim->routes[at];
    swarm->counts.answers++;
    sim->failed = 0;
    if (route->fetched <= swarm->counts.begun && ++sim->fresh == SWARM_EACH)
        swarm->whole++;
    route->fetched = now;
    route->expires = expiry_tick(answer->key, now, swarm->config.loadbalance.update_timeout);
    if (!route->outstanding)
        return true;
    window_answered(&sim->window, sim->outstanding, now - route->sent,
                    swarm->config.fetcher.request_timeout_ms / 4);
    route->outstanding = false;
    sim->outstanding--;
    sim->waiting.answer = now;
    return true;
}

/* False: an answer is wrong. */
static bool receive(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    struct frame frame;
    ssize_t size = loopback_receive(sim->fd, &sim->input);
    if (size <= 0) {
        lost(swarm, sim, now);
        return true;
    }
    sim->waiting.heard = now;
    while (frame_stream_next(&sim->input, &frame) == FRAME_OK)
        if (!take_answer(swarm, sim, &frame, now))
            return false;
    uint64_t next = sim->polled + swarm->config.fetcher.poll_interval_ms;
    if (sim->blocked)
        sim_wake_at(swarm, sim, next > now ? next : now);
    return true;
}

bool sim_ready(struct swarm *swarm, struct sim *sim, uint64_t now)
{
    if (sim->fd < 0) /* a child that has not become its program yet keeps what was closed */
        return true;
    if (sim->up)
        return receive(swarm, sim, now);
    attempted(swarm, sim, now);
    return true;
}
