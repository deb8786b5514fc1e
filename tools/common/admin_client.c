/* SPDX-License-Identifier: MIT */
#include "tools/common/admin_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path, unsigned timeout_s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = timeout_s};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

/* Of two places where no program answers, the one that this user may not enter explains more. */
static int connect_by_default(const char *name, unsigned timeout_s, char tried[static ADMIN_TRIED_SIZE])
{
    int result = -ENOENT;
    size_t used = 0;
    for (enum admin_place place = ADMIN_RUN; place < ADMIN_PLACES; place++) {
        struct admin_path path;
        if (!admin_path(place, name, &path))
            continue;
        used +=
            (size_t)snprintf(tried + used, ADMIN_TRIED_SIZE - used, "%s%s", used ? " or " : "", path.socket);
        int code = connect_to(path.socket, timeout_s);
        if (code >= 0)
            return code;
        if (result != -EACCES)
            result = code;
    }
    return result;
}

int admin_client_connect(const char *named, const char *name, unsigned timeout_s,
                         char tried[static ADMIN_TRIED_SIZE])
{
    tried[0] = '\0';
    if (!named || !*named)
        return connect_by_default(name, timeout_s, tried);
    snprintf(tried, ADMIN_TRIED_SIZE, "%s", named);
    return connect_to(named, timeout_s);
}
