/* SPDX-License-Identifier: MIT */
#include "tools/larshm/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/log.h"

enum {
    PEERS_MAX = 64,
    BACKLOG = 64,
    PATIENCE_MS = 10000, /* from the connection to the last byte of the answer */
    LINGER_MS = 1000,    /* until the other end has read it and closes */
    HANDLES = 2,
};

struct peer {
    TAILQ_ENTRY(peer) link;
    struct http_server *server;
    uv_tcp_t socket;
    uv_timer_t timer;
    int open_handles;
    bool answered, sent, closing;
    bool ended; /* the other end sends no more, and may still read */
    uv_write_t write;
    uv_shutdown_t shutdown;
    char *answer_head, *answer_text;
    size_t used;
    char head[HTTP_HEAD_MAX];
};
TAILQ_HEAD(peers, peer);

struct http_server {
    uv_tcp_t listener;
    http_page_fn *page;
    void *arg;
    struct peers peers; /* oldest first */
    unsigned count;
    struct log_limit logged;
};

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    if (--peer->open_handles > 0)
        return;
    free(peer->answer_head);
    free(peer->answer_text);
    free(peer);
}

static void close_peer(struct peer *peer)
{
    if (peer->closing)
        return;
    peer->closing = true;
    TAILQ_REMOVE(&peer->server->peers, peer, link);
    peer->server->count--;
    uv_close((uv_handle_t *)&peer->socket, on_closed);
    uv_close((uv_handle_t *)&peer->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
    close_peer(timer->data);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct peer *peer = request->data;
    peer->sent = true;
    if (status != 0 || peer->ended)
        close_peer(peer);
    else if (!peer->closing)
        uv_timer_start(&peer->timer, on_timer, LINGER_MS, 0);
}

static void on_written(uv_write_t *request, int status)
{
    struct peer *peer = request->data;
    if (status != 0 || uv_shutdown(&peer->shutdown, (uv_stream_t *)&peer->socket, on_shutdown) != 0)
        close_peer(peer);
}

/* Takes page->text. A page without one says what its status is. */
static void send_page(struct peer *peer, const struct http_page *page, bool head_only)
{
    const bool plain = !page->text;
    const char *reason = http_status_text(page->status);
    const size_t length = plain ? strlen(reason) + 1 : page->length;
    peer->answer_text = page->text;
    if (plain && asprintf(&peer->answer_text, "%s\n", reason) < 0)
        peer->answer_text = NULL;
    int head = asprintf(&peer->answer_head,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n"
                        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n",
                        (int)page->status, reason, plain ? "text/plain; charset=utf-8" : page->type, length,
                        page->status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "");
    if (head < 0)
        peer->answer_head = NULL;
    if (!peer->answer_head || !peer->answer_text) {
        close_peer(peer);
        return;
    }
    const uv_buf_t parts[] = {uv_buf_init(peer->answer_head, (unsigned)head),
                              uv_buf_init(peer->answer_text, (unsigned)length)};
    if (uv_write(&peer->write, (uv_stream_t *)&peer->socket, parts, head_only ? 1 : 2, on_written) != 0)
        close_peer(peer);
}

static void answer(struct peer *peer)
{
    struct http_request request = {0};
    struct http_page page = {.status = http_request_parse(peer->head, peer->used, &request)};
    peer->answered = true;
    if (page.status == HTTP_OK) {
        page.status = HTTP_NOT_FOUND;
        peer->server->page(peer->server->arg, request.path, &page);
    }
    send_page(peer, &page, request.head_only);
}

/* What comes behind the head is read and dropped: closing with something unread would take the answer away. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct peer *peer = handle->data;
    const size_t used = peer->answered ? 0 : peer->used;
    (void)suggested;
    *buffer = uv_buf_init(peer->head + used, (unsigned)(sizeof(peer->head) - used));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    (void)buffer;
    peer->ended = size == UV_EOF;
    if (size < 0) {
        if (!peer->ended || !peer->answered || peer->sent)
            close_peer(peer);
        return;
    }
    if (peer->answered)
        return;
    peer->used += (size_t)size;
    if (http_head_ended(peer->head, peer->used)) {
        answer(peer);
    } else if (peer->used == sizeof(peer->head)) {
        peer->answered = true;
        send_page(peer, &(struct http_page){.status = HTTP_HEAD_TOO_LARGE}, false);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;
    struct peer *peer = status == 0 ? calloc(1, sizeof(*peer)) : NULL;
    if (!peer) {
        log_limited(&server->logged, LOG_LEVEL_WARNING, "cannot accept a connection: %s",
                    uv_strerror(status ? status : UV_ENOMEM));
        return;
    }
    peer->server = server;
    peer->socket.data = peer->timer.data = peer->write.data = peer->shutdown.data = peer;
    uv_tcp_init(listener->loop, &peer->socket);
    uv_timer_init(listener->loop, &peer->timer);
    peer->open_handles = HANDLES;
    if (server->count == PEERS_MAX)
        close_peer(TAILQ_FIRST(&server->peers));
    TAILQ_INSERT_TAIL(&server->peers, peer, link);
    server->count++;
    uv_timer_start(&peer->timer, on_timer, PATIENCE_MS, 0);
    if (uv_accept(listener, (uv_stream_t *)&peer->socket) != 0 ||
        uv_read_start((uv_stream_t *)&peer->socket, on_alloc, on_read) != 0)
        close_peer(peer);
}

int http_server_start(struct http_server **out, uv_loop_t *loop, const struct sockaddr_storage *address,
                      http_page_fn *page, void *arg, struct sockaddr_storage *bound)
{
    struct http_server *server = calloc(1, sizeof(*server));
    int size = sizeof(*bound);
    if (!server)
        return UV_ENOMEM;
    *server = (struct http_server){.page = page, .arg = arg};
    TAILQ_INIT(&server->peers);
    int rc = uv_tcp_init(loop, &server->listener);
    if (rc != 0) {
        free(server);
        return rc;
    }
    server->listener.data = server;
    *out = server;
    rc = uv_tcp_bind(&server->listener, (const struct sockaddr *)address, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    return rc == 0 ? uv_tcp_getsockname(&server->listener, (struct sockaddr *)bound, &size) : rc;
}

void http_server_stop(struct http_server *server)
{
    while (!TAILQ_EMPTY(&server->peers))
        close_peer(TAILQ_FIRST(&server->peers));
    uv_close((uv_handle_t *)&server->listener, NULL);
}

void http_server_free(struct http_server *server)
{
    free(server);
}
