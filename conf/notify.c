/* SPDX-License-Identifier: MIT */
#include "conf/notify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/number.h"

void notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') /* an abstract name: its first byte is NUL */
        address.sun_path[0] = '\0';
    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}

/* The whole value of that name. */
static bool read_variable(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    const char *rest = text ? number_scan(text, out) : NULL;
    return rest && !*rest;
}

uint64_t notify_watchdog_ms(void)
{
    uint64_t usec, pid;
    if (!read_variable("WATCHDOG_USEC", &usec))
        return 0;
    /* A parent's otherwise, which this process has inherited. */
    if (getenv("WATCHDOG_PID") && (!read_variable("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    return usec / 1000;
}
