/* SPDX-License-Identifier: MIT */
#include "tools/bench/loopback.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback_address(in_port_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int close_failed(int fd)
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

int loopback_bind(int type, in_port_t *port)
{
    struct sockaddr_in address = loopback_address(*port);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0 || (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0) ||
        bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return close_failed(fd);
    *port = ntohs(address.sin_port);
    return fd;
}

int loopback_connect(int type, in_port_t port)
{
    const struct sockaddr_in address = loopback_address(port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    return close_failed(fd);
}

int loopback_accept(int listener, int flags)
{
    int fd = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC), yes = 1;
    if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0)
        return fd;
    return close_failed(fd);
}

bool loopback_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

ssize_t loopback_receive(int fd, struct frame_stream *input)
{
    uint8_t bytes[65536];
    ssize_t size = recv(fd, bytes, sizeof(bytes), 0);
    return size > 0 && frame_stream_append(input, bytes, (size_t)size) != 0 ? -1 : size;
}
