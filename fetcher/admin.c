/* SPDX-License-Identifier: MIT */
#include "fetcher/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "fetcher/admin_socket.h"
#include "shm/clock.h"

/* An operator's connection. */
struct peer {
    uv_pipe_t pipe;
    uv_write_t write;
    struct admin *admin;
    struct peer *next;
    uint64_t deadline; /* tick */
    char *answer;      /* being written */
    bool ended;        /* it will send no more */
    bool last;         /* its connection ends with this answer */
    size_t used;
    char input[ADMIN_LINE_MAX];
};

struct admin {
    uv_loop_t *loop;
    const char *instance, *configured;
    uv_pipe_t *listener; /* NULL: there is no socket */
    struct admin_socket socket;
    const struct admin_targets *targets;
    struct peer *peers;
    unsigned peer_count; /* of `peers` */
    unsigned handles;    /* that libuv still knows, and the caller's */
    bool waiting;        /* a connection could not be accepted for want of memory */
    bool failed;         /* the log says that there is no socket */
    struct log_limit full_limit;
};

static void release(struct admin *admin)
{
    if (--admin->handles == 0)
        free(admin);
}

/* ---- a peer ---- */

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    release(peer->admin);
    free(peer->answer);
    free(peer);
}

/* Those that were refused are not in the list. */
static void close_peer(struct peer *peer)
{
    struct peer **at = &peer->admin->peers;
    while (*at && *at != peer)
        at = &(*at)->next;
    if (*at) {
        *at = peer->next;
        peer->admin->peer_count--;
    }
    uv_close((uv_handle_t *)&peer->pipe, peer_closed);
}

static void serve(struct peer *peer);

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct peer *peer = handle->data;
    (void)suggested;
    *out = uv_buf_init(peer->input + peer->used, (unsigned)(ADMIN_LINE_MAX - peer->used));
}

static void read_done(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    (void)buffer;
    if (size < 0 && size != UV_EOF) {
        close_peer(peer);
        return;
    }
    peer->ended = size == UV_EOF;
    peer->used += size > 0 ? (size_t)size : 0;
    serve(peer);
}

static void write_done(uv_write_t *write, int status)
{
    struct peer *peer = write->data;
    if (uv_is_closing((uv_handle_t *)&peer->pipe))
        return;
    free(peer->answer);
    peer->answer = NULL;
    if (status != 0 || peer->last) {
        close_peer(peer);
        return;
    }
    peer->deadline = clock_tick() + ADMIN_TIMEOUT_MS;
    serve(peer);
}

/* The answer is freed with the peer, or once it is written. */
static void send_answer(struct peer *peer, char *answer)
{
    static char newline[] = "\n";
    peer->answer = answer;
    uv_read_stop((uv_stream_t *)&peer->pipe);
    if (!answer) {
        close_peer(peer);
        return;
    }
    const uv_buf_t parts[] = {uv_buf_init(answer, (unsigned)strlen(answer)), uv_buf_init(newline, 1)};
    peer->write.data = peer;
    if (uv_write(&peer->write, (uv_stream_t *)&peer->pipe, parts, 2, write_done) != 0)
        close_peer(peer);
}

static void send_error(struct peer *peer, const char *code, const char *text)
{
    struct admin_error error;
    admin_refuse(&error, code, "%s", text);
    peer->last = true;
    send_answer(peer, admin_error_answer(&error));
}

/* The next request that has come as a whole; or waits for more of it. */
static void serve(struct peer *peer)
{
    char *end = memchr(peer->input, '\n', peer->used);
    if (end) {
        size_t length = (size_t)(end - peer->input);
        char *answer = admin_execute(peer->admin->targets, peer->input, length);
        peer->used -= length + 1;
        memmove(peer->input, end + 1, peer->used);
        send_answer(peer, answer);
    } else if (peer->used == ADMIN_LINE_MAX)
        send_error(peer, "too_long", "a request is one line of at most 65535 bytes");
    else if (peer->ended || (uv_read_start((uv_stream_t *)&peer->pipe, allocate, read_done) != 0 &&
                             !uv_is_active((uv_handle_t *)&peer->pipe)))
        close_peer(peer);
}

/* ---- all of them ---- */

static void accept_peer(struct admin *admin)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    admin->waiting = !peer; /* libuv accepts no other one meanwhile */
    if (!peer)
        return;
    peer->admin = admin;
    peer->deadline = clock_tick() + ADMIN_TIMEOUT_MS;
    uv_pipe_init(admin->loop, &peer->pipe, 0);
    peer->pipe.data = peer;
    admin->handles++;
    if (uv_accept((uv_stream_t *)admin->listener, (uv_stream_t *)&peer->pipe) != 0) {
        close_peer(peer);
        return;
    }
    if (admin->peer_count == ADMIN_PEERS_MAX) {
        log_limited(&admin->full_limit, LOG_LEVEL_WARNING,
                    "admin socket: %d connections at once, one more refused", ADMIN_PEERS_MAX);
        send_error(peer, "busy", "100 connections at once are served: try again");
        return;
    }
    peer->next = admin->peers;
    admin->peers = peer;
    admin->peer_count++;
    serve(peer);
}

static void connected(uv_stream_t *listener, int status)
{
    if (status == 0)
        accept_peer(listener->data);
}

static void listener_closed(uv_handle_t *handle)
{
    release(handle->data);
    free(handle);
}

static void stop_listening(struct admin *admin)
{
    admin_socket_remove(&admin->socket);
    uv_close((uv_handle_t *)admin->listener, listener_closed);
    admin->listener = NULL;
    admin->waiting = false;
}

static void start_listening(struct admin *admin)
{
    char why[ADMIN_TEXT_SIZE] = "out of memory";
    admin->socket = (struct admin_socket){0};
    admin->listener = malloc(sizeof(*admin->listener));
    if (admin->listener) {
        admin->handles++;
        uv_pipe_init(admin->loop, admin->listener, 0);
        admin->listener->data = admin;
        if (admin_socket_bind(&admin->socket, admin->listener, admin->instance, admin->configured, why,
                              sizeof(why))) {
            int code = uv_listen((uv_stream_t *)admin->listener, ADMIN_PEERS_MAX, connected);
            if (code == 0) {
                admin->failed = false;
                return;
            }
            snprintf(why, sizeof(why), "%s: %s", admin->socket.path, uv_strerror(code));
        }
        stop_listening(admin);
    }
    if (!admin->failed)
        log_line(
            LOG_LEVEL_WARNING,
            "no admin socket, so `larshm host` and `larshm reload` do not work: %s; set [fetcher] admin_socket to "
            "a path in a directory of the fetcher's user",
            why);
    admin->failed = true;
}

/* Whatever has removed or replaced the file: operators find the fetcher again. */
static void keep_listening(struct admin *admin)
{
    if (admin->listener && !admin_socket_is_named(&admin->socket)) {
        log_line(LOG_LEVEL_WARNING, "the admin socket %s was removed or replaced: making it again",
                 admin->socket.path);
        stop_listening(admin);
    }
    if (!admin->listener)
        start_listening(admin);
}

void admin_maintain(struct admin *admin, uint64_t now)
{
    if (!admin)
        return;
    keep_listening(admin);
    if (admin->waiting)
        accept_peer(admin);
    for (struct peer *peer = admin->peers, *next; peer; peer = next) {
        next = peer->next;
        if (now > peer->deadline)
            close_peer(peer);
    }
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    while (admin->peers)
        close_peer(admin->peers);
    if (admin->listener)
        stop_listening(admin);
    release(admin);
}

struct admin *admin_start(uv_loop_t *loop, const char *instance, const char *configured,
                          const struct admin_targets *targets)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        return NULL;
    admin->loop = loop;
    admin->instance = instance;
    admin->configured = configured;
    admin->targets = targets;
    admin->handles = 1; /* the caller's */
    start_listening(admin);
    return admin;
}
