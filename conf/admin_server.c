/* SPDX-License-Identifier: MIT */
#include "conf/admin_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/admin_request.h"
#include "conf/admin_socket.h"
#include "conf/log.h"

/* An operator's connection. */
struct peer {
    uv_pipe_t pipe;
    uv_write_t write;
    struct admin_server *server;
    struct peer *next;
    uint64_t deadline; /* ms of the loop */
    char *answer;      /* being written */
    struct admin_rest rest;
    bool ended; /* it will send no more */
    bool last;  /* its connection ends with this answer */
    size_t used;
    char input[ADMIN_LINE_MAX];
};

struct admin_server {
    uv_loop_t *loop;
    const char *name, *configured;
    uv_pipe_t *listener; /* NULL: there is no socket */
    struct admin_socket socket;
    struct admin_service service;
    struct peer *peers;
    unsigned peer_count;           /* of `peers` */
    unsigned handles;              /* that libuv still knows, and the caller's */
    bool waiting;                  /* a connection could not be accepted for want of memory */
    char failure[ADMIN_TEXT_SIZE]; /* why there is no socket, which the log says; "": there is one */
    struct log_limit full_limit;
};

static void release(struct admin_server *server)
{
    if (--server->handles == 0)
        free(server);
}

/* ---- a peer ---- */

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    release(peer->server);
    free(peer->answer);
    free(peer);
}

/* Those that were refused are not in the list. */
static void close_peer(struct peer *peer)
{
    struct peer **at = &peer->server->peers;
    while (*at && *at != peer)
        at = &(*at)->next;
    if (*at) {
        *at = peer->next;
        peer->server->peer_count--;
    }
    if (peer->rest.next || peer->rest.later)
        peer->rest.drop(&peer->rest);
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

static void send_answer(struct peer *peer, char *answer);

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
    peer->deadline = uv_now(peer->pipe.loop) + ADMIN_TIMEOUT_MS;
    if (peer->rest.next)
        send_answer(peer, peer->rest.next(&peer->rest));
    else
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

void admin_server_answer(struct admin_rest *rest, char *answer)
{
    struct peer *peer = (struct peer *)((char *)rest - offsetof(struct peer, rest));
    rest->later = false;
    send_answer(peer, answer);
}

/* Until then nothing is read. */
static void wait_for_answer(struct peer *peer)
{
    peer->deadline = uv_now(peer->pipe.loop) + ADMIN_TIMEOUT_MS;
    uv_read_stop((uv_stream_t *)&peer->pipe);
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
        const struct admin_service *service = &peer->server->service;
        char *answer = service->execute(service->arg, peer->input, length, &peer->rest);
        peer->used -= length + 1;
        memmove(peer->input, end + 1, peer->used);
        if (peer->rest.later)
            wait_for_answer(peer);
        else
            send_answer(peer, answer);
    } else if (peer->used == ADMIN_LINE_MAX)
        send_error(peer, "too_long", "a request is one line of at most 65535 bytes");
    else if (peer->ended || (uv_read_start((uv_stream_t *)&peer->pipe, allocate, read_done) != 0 &&
                             !uv_is_active((uv_handle_t *)&peer->pipe)))
        close_peer(peer);
}

/* ---- all of them ---- */

static void accept_peer(struct admin_server *server)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    char text[64];
    server->waiting = !peer; /* libuv accepts no other one meanwhile */
    if (!peer)
        return;
    peer->server = server;
    peer->deadline = uv_now(server->loop) + ADMIN_TIMEOUT_MS;
    uv_pipe_init(server->loop, &peer->pipe, 0);
    peer->pipe.data = peer;
    server->handles++;
    if (uv_accept((uv_stream_t *)server->listener, (uv_stream_t *)&peer->pipe) != 0) {
        close_peer(peer);
        return;
    }
    if (server->peer_count == server->service.peers_max) {
        log_limited(&server->full_limit, LOG_LEVEL_WARNING,
                    "admin socket: %u connections at once, one more refused", server->service.peers_max);
        snprintf(text, sizeof(text), "%u connections at once are served: try again",
                 server->service.peers_max);
        send_error(peer, "busy", text);
        return;
    }
    peer->next = server->peers;
    server->peers = peer;
    server->peer_count++;
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

static void stop_listening(struct admin_server *server)
{
    admin_socket_remove(&server->socket);
    uv_close((uv_handle_t *)server->listener, listener_closed);
    server->listener = NULL;
    server->waiting = false;
}

static void start_listening(struct admin_server *server)
{
    char why[ADMIN_TEXT_SIZE] = "out of memory";
    server->socket = (struct admin_socket){0};
    server->listener = malloc(sizeof(*server->listener));
    if (server->listener) {
        server->handles++;
        uv_pipe_init(server->loop, server->listener, 0);
        server->listener->data = server;
        if (admin_socket_bind(&server->socket, server->listener, server->name, server->configured, why,
                              sizeof(why))) {
            int code = uv_listen((uv_stream_t *)server->listener, (int)server->service.peers_max, connected);
            if (code == 0) {
                server->failure[0] = '\0';
                return;
            }
            snprintf(why, sizeof(why), "%s: %s", server->socket.path, uv_strerror(code));
        }
        stop_listening(server);
    }
    if (strcmp(server->failure, why) != 0)
        log_line(LOG_LEVEL_WARNING, "no admin socket, so %s: %s; %s", server->service.missing, why,
                 server->service.remedy);
    snprintf(server->failure, sizeof(server->failure), "%s", why);
}

/* Whatever has removed or replaced the file: operators find the program again. */
static void keep_listening(struct admin_server *server)
{
    if (server->listener && !admin_socket_is_named(&server->socket)) {
        log_line(LOG_LEVEL_WARNING, "the admin socket %s was removed or replaced: making it again",
                 server->socket.path);
        stop_listening(server);
    }
    if (!server->listener)
        start_listening(server);
}

void admin_server_maintain(struct admin_server *server)
{
    if (!server)
        return;
    keep_listening(server);
    if (server->waiting)
        accept_peer(server);
    for (struct peer *peer = server->peers, *next; peer; peer = next) {
        next = peer->next;
        if (uv_now(server->loop) > peer->deadline)
            close_peer(peer);
    }
}

void admin_server_stop(struct admin_server *server)
{
    if (!server)
        return;
    while (server->peers)
        close_peer(server->peers);
    if (server->listener)
        stop_listening(server);
    release(server);
}

struct admin_server *admin_server_start(uv_loop_t *loop, const char *name, const char *configured,
                                        const struct admin_service *service)
{
    struct admin_server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    server->loop = loop;
    server->name = name;
    server->configured = configured;
    server->service = *service;
    server->handles = 1; /* the caller's */
    start_listening(server);
    return server;
}
