/* SPDX-License-Identifier: MIT */
#include "tools/larshm/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/admin_path.h"
#include "shm/clock.h"
#include "shm/names.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/say.h"

enum {
    TIMEOUT_S = 5,
    ANSWER_MAX = 65536,
    TRIED_SIZE = 2 * CONFIG_PATH_SIZE + sizeof(" or ")
};

/* A descriptor, or a negative errno. Every later call on it ends after TIMEOUT_S with EAGAIN. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = TIMEOUT_S};
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

/* Of two places where no fetcher answers, the one that this user may not enter explains more. */
static int find_fetcher(const struct common *common, char tried[static TRIED_SIZE])
{
    const char *named = getenv("LARSHM_ADMIN_SOCKET");
    int result = -ENOENT;
    size_t used = 0;
    if (named && *named) {
        snprintf(tried, TRIED_SIZE, "%s", named);
        return connect_to(named);
    }
    for (enum admin_place place = ADMIN_RUN; place < ADMIN_PLACES; place++) {
        struct admin_path path;
        if (!admin_path(place, common->instance, &path))
            continue;
        used += (size_t)snprintf(tried + used, TRIED_SIZE - used, "%s%s", used ? " or " : "", path.socket);
        int code = connect_to(path.socket);
        if (code >= 0)
            return code;
        if (result != -EACCES)
            result = code;
    }
    return result;
}

static int fail_unreached(const struct common *common, int code, const char *tried)
{
    switch (code) {
    case -EACCES:
    case -EPERM:
        return fail(
            common, EXIT_PERMISSION,
            "no permission to speak to the fetcher at %s: only root and the user of larshm-fetcher may, "
            "run this as one of them",
            tried);
    case -ENOENT:
    case -ECONNREFUSED:
        return fail(common, EXIT_NO_OBJECT,
                    "no fetcher listens at %s: is larshm-fetcher running? see `larshm show`; where [fetcher] "
                    "admin_socket is set, set LARSHM_ADMIN_SOCKET to the same path",
                    tried);
    case -ECONNRESET:
        return fail(
            common, EXIT_NO_OBJECT,
            "the fetcher at %s has closed the connection without an answer: it has ended, or has no descriptor "
            "left (LimitNOFILE= of the unit); see `larshm show`",
            tried);
    case -EAGAIN:
        return fail(common, EXIT_TIMED_OUT,
                    "the fetcher has not answered within %d s: is it stopped? see `larshm show`", TIMEOUT_S);
    default:
        return fail(common, EXIT_USAGE, "%s: %s", tried, strerror(-code));
    }
}

/* One line each way. 0, or a negative errno. A fetcher that refuses the connection answers all the same. */
static int exchange(int fd, const char *request, char answer[static ANSWER_MAX])
{
    const uint64_t deadline = clock_tick() + TIMEOUT_S * 1000;
    size_t size = strlen(request), used = 0;
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size && errno == EAGAIN)
        return -EAGAIN;
    while (used < ANSWER_MAX - 1 && !memchr(answer, '\n', used)) {
        ssize_t got = recv(fd, answer + used, ANSWER_MAX - 1 - used, 0);
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ECONNRESET;
        used += (size_t)got;
        if (clock_tick() > deadline)
            return -EAGAIN;
    }
    answer[used] = '\0';
    return 0;
}

static int parse_answer(const struct common *common, const char *text, json_t **answer)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_boolean(json_object_get(root, "ok")) &&
        (json_is_true(json_object_get(root, "ok")) ||
         (json_is_string(json_object_get(root, "code")) && json_is_string(json_object_get(root, "error"))))) {
        *answer = root;
        return EXIT_SUCCESS;
    }
    json_decref(root);
    return fail(common, EXIT_USAGE,
                "the fetcher's answer makes no sense: is larshm-fetcher of the same version as larshm?");
}

static char *to_line(json_t *request)
{
    char *line = NULL, *text = json_dumps(request, JSON_COMPACT);
    if (!text || asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    json_decref(request);
    return line;
}

int admin_send(const struct common *common, json_t *request, json_t **answer)
{
    static char text[ANSWER_MAX];
    char tried[TRIED_SIZE] = "", *line = to_line(request);
    struct object_names names;
    enum shm_status status = object_names(common->instance, &names);
    if (!line)
        return say_no_memory();
    int fd = status == SHM_OK ? find_fetcher(common, tried) : -1, code = fd;
    if (fd >= 0) {
        code = exchange(fd, line, text);
        close(fd);
    }
    free(line);
    if (status != SHM_OK)
        return fail_unopened(common, (int)status);
    return code == 0 ? parse_answer(common, text, answer) : fail_unreached(common, code, tried);
}

const char *admin_code(const json_t *answer)
{
    return json_string_value(json_object_get(answer, "code"));
}

const char *admin_error(const json_t *answer)
{
    return json_string_value(json_object_get(answer, "error"));
}

int admin_fail_refused(const struct common *common, struct route_key key, const json_t *answer)
{
    if (strcmp(admin_code(answer), "no_such_route") == 0)
        return fail(common, EXIT_NO_ROUTE,
                    "route %" PRIu32 "/%" PRIu32 " is not cached: `larshm wait %" PRIu32 " %" PRIu32
                    "` requests it",
                    key.modid, key.cmdid, key.modid, key.cmdid);
    return fail(common, EXIT_USAGE, "%s", admin_error(answer));
}
