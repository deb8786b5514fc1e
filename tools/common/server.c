/* SPDX-License-Identifier: MIT */
/* Which peers are admitted, and how long they may keep the server waiting. */
#include "conf/number.h"
#include "tools/common/server_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,     /* a fleet that comes back after a restart; the system may allow less */
    ACCEPTS_MAX = 1024, /* before peers are served again, which takes long where there are many of them */
    RESUME_MS = 1000,   /* after accepting has failed */
    SECOND_MS = 1000,
    EVICT_MS = 5000, /* a peer that has been silent for so long makes room for another */
    FDS_KEPT = 32,   /* for the store, the loop and the standard streams */
    PEERS_WANTED = 10000,
};

static bool is_allowed(const struct server_limits *limits, in_addr_t address)
{
    for (size_t i = 0; i < limits->allowed_count; i++)
        if (network_contains(limits->allowed[i], address))
            return true;
    return limits->allowed_count == 0;
}

/* When all are taken, the one that has been silent for longest makes room. */
static bool has_room(struct server *server)
{
    struct peer *silent = TAILQ_FIRST(&server->silent);
    if (server->count >= server->max && silent && uv_now(server->poll.loop) - silent->opened >= EVICT_MS)
        peer_refuse(silent, COMPLAINT_TIME, "it has sent no message, and others want its connection");
    return server->count < server->max;
}

/* Takes over the accepted socket. */
static void admit(struct server *server, int fd, const struct sockaddr_in *address, struct source *source)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    int rc = peer ? uv_tcp_init(server->poll.loop, &peer->socket) : UV_ENOMEM;
    if (rc != 0) {
        log_limited(&server->logged[COMPLAINT_ACCEPT], LOG_LEVEL_WARNING, "cannot accept a connection: %s",
                    uv_strerror(rc));
        source_return(&server->sources, source);
        free(peer);
        close(fd);
        return;
    }
    peer->server = server;
    peer->source = source;
    peer->socket.data = peer;
    peer->opened = uv_now(server->poll.loop);
    address_format(address, peer->name);
    TAILQ_INSERT_TAIL(&server->silent, peer, link);
    server->count++;
    if ((rc = uv_tcp_open(&peer->socket, fd)) != 0)
        close(fd);
    else
        rc = peer_start(peer);
    if (rc != 0)
        peer_refuse(peer, COMPLAINT_ACCEPT, uv_strerror(rc));
}

/* Admits the accepted socket, or closes it and logs why. */
static void consider(struct server *server, int fd, const struct sockaddr_in *address)
{
    struct source *source;
    char name[ADDRESS_TEXT_SIZE];
    address_format(address, name);
    if (!is_allowed(&server->limits, address->sin_addr.s_addr))
        log_limited(&server->logged[COMPLAINT_ALLOW], LOG_LEVEL_WARNING,
                    "refused %s: it is in no network that --allow names", name);
    else if (!has_room(server))
        log_limited(&server->logged[COMPLAINT_FULL], LOG_LEVEL_WARNING,
                    "refusing connections: %zu are open; raise the limit of open files", server->max);
    else if (!(source = source_take(&server->sources, address->sin_addr.s_addr, server->limits.per_address)))
        log_limited(&server->logged[COMPLAINT_ADDRESS], LOG_LEVEL_WARNING,
                    "refused %s: %" PRIu32 " connection%s open from its address, see --max-per-address", name,
                    server->limits.per_address, number_plural(server->limits.per_address));
    else {
        admit(server, fd, address, source);
        return;
    }
    close(fd);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void on_resume(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uv_poll_start(&server->poll, UV_READABLE, on_acceptable);
}

/* Without descriptors the socket stays readable: trying at once would be all that the program does. */
static void pause_accepting(struct server *server, int error)
{
    log_limited(&server->logged[COMPLAINT_ACCEPT], LOG_LEVEL_WARNING,
                "cannot accept a connection: %s; trying again every second",
                uv_strerror(uv_translate_sys_error(error)));
    uv_poll_stop(&server->poll);
    uv_timer_start(&server->resume, on_resume, RESUME_MS, 0);
}

static bool is_of_the_connection(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM ||
           error == ETIMEDOUT || error == ENETDOWN || error == EHOSTDOWN || error == EHOSTUNREACH ||
           error == ENETUNREACH;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_in address = {0};
        socklen_t size = sizeof(address);
        int fd = accept4(server->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            consider(server, fd, &address);
        } else if (!is_of_the_connection(errno)) {
            if (errno != EAGAIN)
                pause_accepting(server, errno);
            return;
        }
    }
}

static void close_silent(struct server *server, uint64_t now)
{
    const uint64_t patience = (uint64_t)server->limits.idle_seconds * 1000;
    struct peer *peer;
    while (patience && (peer = TAILQ_FIRST(&server->silent)) && now - peer->opened >= patience)
        peer_refuse(peer, COMPLAINT_TIME, "it has never sent a message, see --idle-timeout");
}

static void close_unfinished(struct server *server, struct peers *peers, uint64_t now)
{
    const uint64_t patience = (uint64_t)server->limits.frame_seconds * 1000;
    struct peer *next;
    for (struct peer *peer = TAILQ_FIRST(peers); patience && peer; peer = next) {
        next = TAILQ_NEXT(peer, link);
        if (peer->unfinished && now - peer->unfinished >= patience)
            peer_refuse(peer, COMPLAINT_TIME, "it does not finish a message, see --frame-timeout");
    }
}

static void on_second(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t now = uv_now(timer->loop);
    close_silent(server, now);
    close_unfinished(server, &server->silent, now);
    close_unfinished(server, &server->talking, now);
}

/*
 * Takes all the descriptors that the system lets it have, and leaves some unused, so that accepting never fails for want
 * of one.
 */
static size_t peers_allowed(void)
{
    struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    const struct rlimit raised = {files.rlim_max, files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        files = raised;
    return files.rlim_cur > FDS_KEPT ? (size_t)files.rlim_cur - FDS_KEPT : 1;
}

/* What one address may have: others find room beside it. */
static uint32_t most_of(size_t max)
{
    size_t most = max - max / 8;
    return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

static int start_listening(struct server *server, const struct sockaddr_in *address,
                           struct sockaddr_in *bound)
{
    int one = 1;
    socklen_t size = sizeof(*bound);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->fd >= 0 && setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(server->fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        listen(server->fd, BACKLOG) == 0 && getsockname(server->fd, (struct sockaddr *)bound, &size) == 0)
        return 0;
    int rc = uv_translate_sys_error(errno);
    if (server->fd >= 0)
        close(server->fd);
    return rc;
}

static void start_on_loop(struct server *server, uv_loop_t *loop)
{
    uv_timer_init(loop, &server->resume);
    uv_timer_init(loop, &server->second);
    server->poll.data = server->resume.data = server->second.data = server;
    uv_timer_start(&server->second, on_second, SECOND_MS, SECOND_MS);
    uv_poll_start(&server->poll, UV_READABLE, on_acceptable);
}

int server_start(struct server **out, uv_loop_t *loop, const struct sockaddr_in *address,
                 const struct server_limits *limits, const struct server_handler *handler,
                 struct sockaddr_in *bound)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return UV_ENOMEM;
    server->handler = *handler;
    server->limits = *limits;
    server->max = peers_allowed();
    if (server->limits.per_address == 0)
        server->limits.per_address = most_of(server->max);
    TAILQ_INIT(&server->silent);
    TAILQ_INIT(&server->talking);
    int rc = start_listening(server, address, bound);
    if (rc == 0 && (rc = uv_poll_init(loop, &server->poll, server->fd)) != 0)
        close(server->fd);
    if (rc != 0) {
        free(server);
        return rc;
    }
    start_on_loop(server, loop);
    if (server->max < PEERS_WANTED)
        log_line(
            LOG_LEVEL_INFO,
            "room for %zu connection%s: raise the hard limit of open files (ulimit -Hn, LimitNOFILE=) for more",
            server->max, number_plural(server->max));
    *out = server;
    return 0;
}

static void close_all(struct peers *peers)
{
    while (!TAILQ_EMPTY(peers))
        peer_close(TAILQ_FIRST(peers));
}

void server_stop(struct server *server)
{
    close_all(&server->silent);
    close_all(&server->talking);
    uv_close((uv_handle_t *)&server->poll, NULL);
    uv_close((uv_handle_t *)&server->resume, NULL);
    uv_close((uv_handle_t *)&server->second, NULL);
    close(server->fd);
}

void server_free(struct server *server)
{
    free(server);
}
