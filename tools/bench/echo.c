/* SPDX-License-Identifier: MIT */
#include "tools/bench/echo.h"

#include <err.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tools/bench/child.h"

enum {
    LOST_S = 2, /* a datagram that is not back after so long is lost */
};

static void echo(const struct bench *bench, void *context)
{
    const int *socket = context;
    struct sockaddr_in from;
    uint8_t datagram[2048];
    (void)bench;
    for (;;) {
        socklen_t length = sizeof(from);
        ssize_t size = recvfrom(*socket, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &length);
        if (size > 0)
            sendto(*socket, datagram, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
}

int echo_start(const struct bench *bench, struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), child = -1;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &length) == 0)
        child = child_start(bench, echo, &fd);
    else
        warn("UDP on loopback");
    if (fd >= 0)
        close(fd);
    return child;
}

int echo_client(const struct sockaddr_in *address)
{
    const struct timeval lost = {.tv_sec = LOST_S};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &lost, sizeof(lost)) == 0)
        return fd;
    warn("UDP on loopback");
    if (fd >= 0)
        close(fd);
    return -1;
}
