/* SPDX-License-Identifier: MIT */
#include "tools/common/server.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "conf/address.h"
#include "conf/log.h"

enum {
    BACKLOG = 511,
    READ_SIZE = 65536,
    OUTPUT_FULL = 65536, /* a block with as much as this takes no further frame */
    UNSENT_MAX = 65536,  /* bytes that the kernel takes beyond what the peer's window allows */
    KEEPALIVE_SECONDS = 60,
    FDS_KEPT = 32, /* for the store, the loop and the standard streams */
};

/* What is being filled, or being written: never both. */
struct block {
    uv_write_t request;
    size_t used;
    uint8_t bytes[OUTPUT_FULL + FRAME_HEADER + SERVER_BODY_MAX];
};

struct peer {
    uv_tcp_t socket; /* its `data` is the peer */
    struct server *server;
    void *client;
    struct frame_stream input;
    struct block *output; /* NULL: nothing to write */
    bool writing;
    TAILQ_ENTRY(peer) link;
    char name[ADDRESS_TEXT_SIZE]; /* of the other end, for the log */
};

struct server {
    uv_tcp_t socket; /* its `data` is the server */
    struct server_handler handler;
    TAILQ_HEAD(, peer) peers;
    size_t count, max; /* of peers */
    bool full_logged;
    struct log_limit long_limit;
    uint8_t arrived[READ_SIZE];
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    frame_stream_free(&peer->input);
    free(peer->output);
    free(peer);
}

static void peer_close(struct peer *peer)
{
    struct server *server = peer->server;
    if (uv_is_closing((uv_handle_t *)&peer->socket))
        return;
    if (peer->client)
        server->handler.close(peer->client);
    TAILQ_REMOVE(&server->peers, peer, link);
    if (--server->count < server->max)
        server->full_logged = false;
    uv_close((uv_handle_t *)&peer->socket, on_peer_closed);
}

static void peer_refuse(struct peer *peer, const char *reason)
{
    log_line(LOG_LEVEL_WARNING, "closed %s: %s", peer->name, reason);
    peer_close(peer);
}

const char *peer_name(const struct peer *peer)
{
    return peer->name;
}

uint8_t *peer_reserve(struct peer *peer)
{
    if (!peer->output && (peer->output = malloc(sizeof(*peer->output))))
        peer->output->used = 0;
    struct block *block = peer->output;
    return block && block->used < OUTPUT_FULL ? block->bytes + block->used + FRAME_HEADER : NULL;
}

void peer_commit(struct peer *peer, int32_t id, uint32_t length)
{
    struct block *block = peer->output;
    frame_header(block->bytes + block->used, id, length);
    block->used += FRAME_HEADER + length;
}

static void on_written(uv_write_t *request, int status)
{
    struct peer *peer = request->data;
    peer->writing = false;
    peer->output->used = 0;
    if (status < 0)
        peer_close(peer);
    else
        peer_wake(peer);
}

void peer_wake(struct peer *peer)
{
    if (peer->writing || uv_is_closing((uv_handle_t *)&peer->socket))
        return;
    peer->server->handler.fill(peer->client);
    struct block *block = peer->output;
    if (!block)
        return;
    if (block->used == 0) {
        free(block);
        peer->output = NULL;
        return;
    }
    uv_buf_t bytes = uv_buf_init((char *)block->bytes, (unsigned)block->used);
    block->request.data = peer;
    if (uv_write(&block->request, (uv_stream_t *)&peer->socket, &bytes, 1, on_written) == 0)
        peer->writing = true;
    else
        peer_close(peer);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct peer *peer = handle->data;
    *buf = uv_buf_init((char *)peer->server->arrived, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;
    if (size < 0) {
        peer_close(peer);
        return;
    }
    if (frame_stream_append(&peer->input, buf->base, (size_t)size) != 0) {
        peer_refuse(peer, "out of memory");
        return;
    }
    struct frame frame;
    enum frame_result result;
    while ((result = frame_stream_next(&peer->input, &frame)) == FRAME_OK || result == FRAME_LONG) {
        if (result == FRAME_LONG) {
            log_limited(&peer->server->long_limit, LOG_LEVEL_WARNING,
                        "%s: skipping a message of %" PRIu32 " bytes: more than %d", peer->name, frame.length,
                        FRAME_BODY_MAX);
            continue;
        }
        const char *reason = peer->server->handler.frame(peer->client, &frame);
        if (reason) {
            peer_refuse(peer, reason);
            return;
        }
    }
    if (result == FRAME_INVALID)
        peer_refuse(peer, "a frame's length is negative");
    else
        peer_wake(peer);
}

/* Sets up the accepted socket; every step matters or the connection is not worth having. */
static int peer_start(struct peer *peer)
{
    struct sockaddr_in address = {0};
    int size = sizeof(address), unsent = UNSENT_MAX, rc;
    uv_os_fd_t fd;
    if ((rc = uv_tcp_getpeername(&peer->socket, (struct sockaddr *)&address, &size)) != 0 ||
        (rc = uv_tcp_nodelay(&peer->socket, 1)) != 0 ||
        (rc = uv_tcp_keepalive(&peer->socket, 1, KEEPALIVE_SECONDS)) != 0 ||
        (rc = uv_fileno((uv_handle_t *)&peer->socket, &fd)) != 0)
        return rc;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)) != 0)
        return uv_translate_sys_error(errno);
    address_format(&address, peer->name);
    peer->client = peer->server->handler.open(peer->server->handler.arg, peer);
    if (!peer->client)
        return UV_ENOMEM;
    return uv_read_start((uv_stream_t *)&peer->socket, on_alloc, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct peer *peer = status == 0 ? calloc(1, sizeof(*peer)) : NULL;
    if (!peer) {
        log_line(LOG_LEVEL_WARNING, "cannot accept a connection: %s",
                 uv_strerror(status ? status : UV_ENOMEM));
        return;
    }
    peer->server = server;
    peer->socket.data = peer;
    int rc = uv_tcp_init(listener->loop, &peer->socket);
    if (rc != 0) {
        log_line(LOG_LEVEL_WARNING, "cannot accept a connection: %s", uv_strerror(rc));
        free(peer);
        return;
    }
    TAILQ_INSERT_TAIL(&server->peers, peer, link);
    bool full = server->count++ >= server->max;
    if (uv_accept(listener, (uv_stream_t *)&peer->socket) != 0 || full || peer_start(peer) != 0) {
        if (full && !server->full_logged)
            log_line(LOG_LEVEL_WARNING, "refusing connections: %zu are open; raise the limit of open files",
                     server->max);
        server->full_logged |= full;
        peer_close(peer);
    }
}

/* Leaves some descriptors unused, so that accepting never fails for want of one. */
static size_t peers_allowed(void)
{
    struct rlimit files = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur > FDS_KEPT ? (size_t)files.rlim_cur - FDS_KEPT : 1;
}

int server_start(struct server **out, uv_loop_t *loop, const struct sockaddr_in *address,
                 const struct server_handler *handler, struct sockaddr_in *bound)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return UV_ENOMEM;
    server->handler = *handler;
    server->max = peers_allowed();
    server->socket.data = server;
    TAILQ_INIT(&server->peers);
    int rc = uv_tcp_init(loop, &server->socket);
    if (rc != 0) {
        free(server);
        return rc;
    }
    int size = sizeof(*bound);
    if ((rc = uv_tcp_bind(&server->socket, (const struct sockaddr *)address, 0)) != 0 ||
        (rc = uv_listen((uv_stream_t *)&server->socket, BACKLOG, on_connection)) != 0 ||
        (rc = uv_tcp_getsockname(&server->socket, (struct sockaddr *)bound, &size)) != 0) {
        uv_close((uv_handle_t *)&server->socket, NULL);
        uv_run(loop, UV_RUN_NOWAIT);
        free(server);
        return rc;
    }
    *out = server;
    return 0;
}

void server_stop(struct server *server)
{
    while (!TAILQ_EMPTY(&server->peers))
        peer_close(TAILQ_FIRST(&server->peers));
    uv_close((uv_handle_t *)&server->socket, NULL);
}

void server_free(struct server *server)
{
    free(server);
}
