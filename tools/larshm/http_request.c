/* SPDX-License-Identifier: MIT */
#include "tools/larshm/http_request.h"

#include <string.h>

const char *http_status_text(enum http_status status)
{
    switch (status) {
    case HTTP_OK:
        return "OK";
    case HTTP_BAD_REQUEST:
        return "Bad Request";
    case HTTP_NOT_FOUND:
        return "Not Found";
    case HTTP_METHOD_NOT_ALLOWED:
        return "Method Not Allowed";
    case HTTP_URI_TOO_LONG:
        return "URI Too Long";
    case HTTP_HEAD_TOO_LARGE:
        return "Request Header Fields Too Large";
    case HTTP_UNAVAILABLE:
        return "Service Unavailable";
    case HTTP_VERSION_NOT_SUPPORTED:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

bool http_head_ended(const char *head, size_t length)
{
    return memmem(head, length, "\r\n\r\n", 4) || memmem(head, length, "\n\n", 2);
}

/* The word at *at, which a space or the end of the line ends; *at moves behind that. */
static size_t take_word(const char **at, const char *end, const char **word)
{
    *word = *at;
    while (*at < end && **at != ' ')
        ++*at;
    size_t length = (size_t)(*at - *word);
    if (*at < end)
        ++*at;
    return length;
}

static bool is(const char *word, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(word, text, length) == 0;
}

/* A proxy names the whole URI. */
static void skip_authority(const char **target, size_t *length)
{
    static const char scheme[] = "http://";
    if (*length < sizeof(scheme) - 1 || memcmp(*target, scheme, sizeof(scheme) - 1) != 0)
        return;
    const char *path = memchr(*target + sizeof(scheme) - 1, '/', *length - (sizeof(scheme) - 1));
    if (!path)
        return;
    *length -= (size_t)(path - *target);
    *target = path;
}

enum http_status http_request_parse(const char *head, size_t length, struct http_request *out)
{
    const char *at = head, *end = memchr(head, '\n', length), *method, *target, *version;
    if (!end)
        return HTTP_BAD_REQUEST;
    if (end > head && end[-1] == '\r')
        end--;
    for (const char *c = head; c < end; c++)
        if (*c < ' ' || *c > '~')
            return HTTP_BAD_REQUEST;
    const size_t method_length = take_word(&at, end, &method);
    size_t target_length = take_word(&at, end, &target);
    const size_t version_length = take_word(&at, end, &version);
    if (method_length == 0 || target_length == 0 || version_length != sizeof("HTTP/1.1") - 1 || at != end ||
        memcmp(version, "HTTP/", 5) != 0)
        return HTTP_BAD_REQUEST;
    if (memcmp(version, "HTTP/1.", 7) != 0)
        return HTTP_VERSION_NOT_SUPPORTED;
    out->head_only = is(method, method_length, "HEAD");
    if (!out->head_only && !is(method, method_length, "GET"))
        return HTTP_METHOD_NOT_ALLOWED;
    skip_authority(&target, &target_length);
    const char *query = memchr(target, '?', target_length);
    if (query)
        target_length = (size_t)(query - target);
    if (target_length >= sizeof(out->path))
        return HTTP_URI_TOO_LONG;
    memcpy(out->path, target, target_length);
    out->path[target_length] = '\0';
    return *out->path == '/' ? HTTP_OK : HTTP_BAD_REQUEST;
}
