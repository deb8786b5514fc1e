/* SPDX-License-Identifier: MIT */
#include "tests/support/admin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/eventually.h"

int admin_connect(const struct fetcher *fetcher)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = EVENTUALLY_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fetcher->admin_path);
    /* One that has just been made is there before it can be connected to. */
    eventually(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

bool admin_send(int fd, const char *text)
{
    size_t size = strlen(text);
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

json_t *admin_receive(int fd)
{
    char line[65536];
    size_t used = 0;
    while (used < sizeof(line) && (used == 0 || line[used - 1] != '\n')) {
        ssize_t size = recv(fd, line + used, 1, 0);
        if (size < 0 && errno != ECONNRESET)
            fail_msg("no answer comes");
        if (size <= 0)
            return NULL;
        used++;
    }
    json_error_t error;
    json_t *answer = json_loadb(line, used, JSON_REJECT_DUPLICATES, &error);
    if (!answer)
        fail_msg("no JSON: %.*s", (int)used, line);
    assert_int_equal(json_integer_value(json_object_get(answer, "version")), 1);
    assert_true(json_is_boolean(json_object_get(answer, "ok")));
    bool good = json_is_true(json_object_get(answer, "ok"));
    assert_int_equal(json_is_string(json_object_get(answer, "code")), !good);
    assert_int_equal(json_is_string(json_object_get(answer, "error")), !good);
    return answer;
}

const char *admin_code(int fd)
{
    static char code[64];
    json_t *answer = admin_receive(fd);
    const char *found = json_string_value(json_object_get(answer, "code"));
    snprintf(code, sizeof(code), "%s", found ? found : answer ? "ok" : "ended");
    json_decref(answer);
    return code;
}

const char *admin_command(const struct fetcher *fetcher, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text) - 1, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, sizeof(text) - 2);
    strcat(text, "\n");
    int fd = admin_connect(fetcher);
    assert_true(admin_send(fd, text));
    const char *code = admin_code(fd);
    close(fd);
    return code;
}
