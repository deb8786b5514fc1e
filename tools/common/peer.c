/* SPDX-License-Identifier: MIT */
/* A connection: cuts what arrives into frames, and writes with bounded memory. */
#include "tools/common/server_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    OUTPUT_FULL = 65536, /* a block with as much as this takes no further frame */
    UNSENT_MAX = 65536,  /* bytes that the kernel takes beyond what the peer's window allows */
    KEEPALIVE_SECONDS = 60,
};

/* What is being filled, or being written: never both. */
struct block {
    uv_write_t request;
    size_t used;
    uint8_t bytes[OUTPUT_FULL + FRAME_HEADER + SERVER_BODY_MAX];
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    frame_stream_free(&peer->input);
    free(peer->output);
    free(peer);
}

void peer_close(struct peer *peer)
{
    struct server *server = peer->server;
    if (uv_is_closing((uv_handle_t *)&peer->socket))
        return;
    if (peer->client)
        server->handler.close(peer->client);
    TAILQ_REMOVE(peer->talked ? &server->talking : &server->silent, peer, link);
    server->count--;
    source_return(&server->sources, peer->source);
    uv_close((uv_handle_t *)&peer->socket, on_peer_closed);
}

void peer_refuse(struct peer *peer, enum complaint complaint, const char *reason)
{
    log_limited(&peer->server->logged[complaint], LOG_LEVEL_WARNING, "closed %s: %s", peer->name, reason);
    peer_close(peer);
}

bool peer_has_left(const struct peer *peer)
{
    struct pollfd poll_fd = {.events = POLLRDHUP};
    return uv_fileno((const uv_handle_t *)&peer->socket, &poll_fd.fd) == 0 && poll(&poll_fd, 1, 0) > 0;
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
    peer->position += FRAME_HEADER + length;
}

uint32_t peer_position(const struct peer *peer)
{
    return peer->position;
}

size_t peer_backlog(const struct peer *peer)
{
    uv_os_fd_t fd;
    int unacknowledged = 0;
    size_t here = peer->writing  ? uv_stream_get_write_queue_size((const uv_stream_t *)&peer->socket)
                  : peer->output ? peer->output->used
                                 : 0;
    if (uv_fileno((const uv_handle_t *)&peer->socket, &fd) == 0)
        ioctl(fd, SIOCOUTQ, &unacknowledged);
    return here + (size_t)unacknowledged;
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

static void leave_silent(struct peer *peer)
{
    TAILQ_REMOVE(&peer->server->silent, peer, link);
    TAILQ_INSERT_TAIL(&peer->server->talking, peer, link);
    peer->talked = true;
}

/* For the time-outs: bytes came, and perhaps they ended a frame. */
static void record_progress(struct peer *peer, bool finished)
{
    if (!frame_stream_in_frame(&peer->input))
        peer->unfinished = 0;
    else if (finished || !peer->unfinished)
        peer->unfinished = uv_now(peer->socket.loop);
    if (finished && !peer->talked)
        leave_silent(peer);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;
    if (size < 0) {
        peer_close(peer);
        return;
    }
    if (frame_stream_append(&peer->input, buf->base, (size_t)size) != 0) {
        peer_refuse(peer, COMPLAINT_FRAME, "out of memory");
        return;
    }
    struct frame frame;
    enum frame_result result;
    bool finished = false;
    while ((result = frame_stream_next(&peer->input, &frame)) == FRAME_OK || result == FRAME_LONG) {
        if (result == FRAME_LONG) {
            log_limited(&peer->server->logged[COMPLAINT_LONG], LOG_LEVEL_WARNING,
                        "%s: skipping a message of %" PRIu32 " bytes: more than %d", peer->name, frame.length,
                        FRAME_BODY_MAX);
            continue;
        }
        finished = true;
        const char *reason = peer->server->handler.frame(peer->client, &frame);
        if (reason) {
            peer_refuse(peer, COMPLAINT_FRAME, reason);
            return;
        }
    }
    if (result == FRAME_INVALID) {
        peer_refuse(peer, COMPLAINT_FRAME, "a frame's length is negative");
        return;
    }
    record_progress(peer, finished);
    peer_wake(peer);
}

/* Sets up the accepted socket; every step matters or the connection is not worth having. */
int peer_start(struct peer *peer)
{
    int unsent = UNSENT_MAX, rc;
    uv_os_fd_t fd;
    if ((rc = uv_tcp_nodelay(&peer->socket, 1)) != 0 ||
        (rc = uv_tcp_keepalive(&peer->socket, 1, KEEPALIVE_SECONDS)) != 0 ||
        (rc = uv_fileno((uv_handle_t *)&peer->socket, &fd)) != 0)
        return rc;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)) != 0)
        return uv_translate_sys_error(errno);
    peer->client = peer->server->handler.open(peer->server->handler.arg, peer);
    if (!peer->client)
        return UV_ENOMEM;
    return uv_read_start((uv_stream_t *)&peer->socket, on_alloc, on_read);
}
