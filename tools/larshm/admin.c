/* SPDX-License-Identifier: MIT */
#include "tools/larshm/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/names.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/say.h"

enum {
    TIMEOUT_S = 5,
    ANSWER_MAX = 65536,
};

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
    case -EPROTO:
        return fail(common, EXIT_USAGE,
                    "the fetcher's answer makes no sense: is larshm-fetcher of the same version as larshm?");
    case -ENOMEM:
        return say_no_memory();
    default:
        return fail(common, EXIT_USAGE, "%s: %s", tried, strerror(-code));
    }
}

/* One line each way. 0, or a negative errno. A fetcher that refuses the connection answers all the same. */
static int exchange(int fd, unsigned timeout_s, const char *request, char answer[static ANSWER_MAX])
{
    const uint64_t deadline = clock_tick() + timeout_s * 1000;
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

static int parse_answer(const char *text, json_t **answer)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_boolean(json_object_get(root, "ok")) &&
        (json_is_true(json_object_get(root, "ok")) ||
         (json_is_string(json_object_get(root, "code")) && json_is_string(json_object_get(root, "error"))))) {
        *answer = root;
        return 0;
    }
    json_decref(root);
    return -EPROTO;
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

int admin_exchange(const char *named, const char *instance, unsigned timeout_s, json_t *request,
                   json_t **answer, char tried[static ADMIN_TRIED_SIZE])
{
    static char text[ANSWER_MAX];
    char *line = to_line(request);
    if (!line)
        return -ENOMEM;
    int fd = admin_client_connect(named, instance, timeout_s, tried), code = fd;
    if (fd >= 0) {
        code = exchange(fd, timeout_s, line, text);
        close(fd);
    }
    free(line);
    return code == 0 ? parse_answer(text, answer) : code;
}

int admin_send(const struct common *common, json_t *request, json_t **answer)
{
    char tried[ADMIN_TRIED_SIZE] = "";
    struct object_names names;
    enum shm_status status = object_names(common->instance, &names);
    if (status != SHM_OK) {
        json_decref(request);
        return fail_unopened(common, (int)status);
    }
    int code =
        admin_exchange(getenv("LARSHM_ADMIN_SOCKET"), common->instance, TIMEOUT_S, request, answer, tried);
    return code == 0 ? EXIT_SUCCESS : fail_unreached(common, code, tried);
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
