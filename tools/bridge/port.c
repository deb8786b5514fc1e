/* SPDX-License-Identifier: MIT */
#include "tools/bridge/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"
#include "shm/atomic.h"

enum {
    BATCH = 64,
    RECEIVE_BUFFER = 1 << 20, /* some thousand requests; the kernel may allow less */
};

/* Some 8 MB, of which only what datagrams fill is ever touched. */
struct port {
    int fd;
    bool started;
    _Atomic bool stopping;
    pthread_t thread;
    struct sockaddr_in address;
    struct agent agent;
    struct log_limit send_limit, receive_limit;
    uint64_t unsent;
    struct mmsghdr arrived[BATCH], answers[BATCH];
    struct sockaddr_in peers[BATCH];
    struct iovec in_parts[BATCH], out_parts[BATCH];
    uint8_t in[BATCH][DATAGRAM_MAX], out[BATCH][DATAGRAM_MAX];
};

static void prepare_batch(struct port *port)
{
    for (int i = 0; i < BATCH; i++) {
        port->in_parts[i] = (struct iovec){port->in[i], DATAGRAM_MAX};
        port->out_parts[i] = (struct iovec){port->out[i], 0};
        port->arrived[i].msg_hdr = (struct msghdr){
            .msg_name = &port->peers[i],
            .msg_namelen = sizeof(port->peers[i]),
            .msg_iov = &port->in_parts[i],
            .msg_iovlen = 1,
        };
        port->answers[i].msg_hdr = (struct msghdr){
            .msg_namelen = sizeof(port->peers[i]),
            .msg_iov = &port->out_parts[i],
            .msg_iovlen = 1,
        };
    }
}

/* Not SO_REUSEADDR: with it two processes share a UDP port, and one of them gets nothing. */
struct port *port_open(const struct sockaddr_in *address, struct source *source)
{
    struct port *port = calloc(1, sizeof(*port));
    socklen_t size = sizeof(port->address);
    const int buffer = RECEIVE_BUFFER;
    if (!port)
        return NULL;
    port->agent.source = source;
    prepare_batch(port);
    port->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (port->fd >= 0)
        setsockopt(port->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (port->fd < 0 || bind(port->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
        getsockname(port->fd, (struct sockaddr *)&port->address, &size) != 0) {
        int error = errno;
        port_close(port);
        errno = error;
        return NULL;
    }
    return port;
}

void port_close(struct port *port)
{
    if (!port)
        return;
    if (port->fd >= 0)
        close(port->fd);
    free(port);
}

/* Waits for a datagram and takes what else is there. */
static unsigned receive(struct port *port)
{
    int count = recvmmsg(port->fd, port->arrived, BATCH, MSG_WAITFORONE, NULL);
    if (load_relaxed(&port->stopping)) /* what came then may be no datagram */
        return 0;
    if (count >= 0)
        return (unsigned)count;
    if (errno != EINTR)
        log_limited(&port->receive_limit, LOG_LEVEL_WARNING, "cannot receive: %s", strerror(errno));
    return 0;
}

/* An answer that cannot be sent is dropped, as UDP does; the client tries again. */
static void send_answers(struct port *port, unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(port->fd, port->answers + done, count - done, MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
        } else if (errno != EINTR) {
            /* A full buffer stays full for all of them; any other error is this one peer's. */
            unsigned dropped = errno == EAGAIN ? count - done : 1;
            log_limited(&port->send_limit, LOG_LEVEL_WARNING, "cannot send an answer: %s", strerror(errno));
            port->unsent += dropped;
            done += dropped;
        }
    }
}

static void serve_batch(struct port *port)
{
    unsigned arrived = receive(port), answers = 0;
    for (unsigned i = 0; i < arrived; i++) {
        size_t size = agent_handle(&port->agent, port->in[i], port->arrived[i].msg_len, &port->peers[i],
                                   port->out[answers]);
        port->arrived[i].msg_hdr.msg_namelen = sizeof(port->peers[i]); /* the kernel writes it */
        if (size == 0)
            continue;
        port->answers[answers].msg_hdr.msg_name = &port->peers[i];
        port->out_parts[answers].iov_len = size;
        answers++;
    }
    send_answers(port, answers);
}

static void *serve(void *argument)
{
    struct port *port = argument;
    while (!load_relaxed(&port->stopping))
        serve_batch(port);
    return NULL;
}

int port_start(struct port *port)
{
    int error = pthread_create(&port->thread, NULL, serve, port);
    port->started = error == 0;
    errno = error;
    return error == 0 ? 0 : -1;
}

void port_stop(struct port *port)
{
    if (!port->started)
        return;
    store_relaxed(&port->stopping, true);
    shutdown(port->fd, SHUT_RD); /* fails, for there is no connection, and wakes the thread all the same */
    pthread_join(port->thread, NULL);
    port->started = false;
}

const struct sockaddr_in *port_address(const struct port *port)
{
    return &port->address;
}

const struct agent_totals *port_totals(const struct port *port, uint64_t *unsent)
{
    *unsent = port->unsent;
    return &port->agent.totals;
}
