/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1 request: as much of it as a server of a few pages needs. */
#ifndef TOOLS_LARSHM_HTTP_REQUEST_H
#define TOOLS_LARSHM_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HTTP_HEAD_MAX = 8192,
    HTTP_PATH_SIZE = 256,
};

enum http_status {
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_URI_TOO_LONG = 414,
    HTTP_HEAD_TOO_LARGE = 431,
    HTTP_SERVER_ERROR = 500,
    HTTP_UNAVAILABLE = 503,
    HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* As the status line has it. */
const char *http_status_text(enum http_status status);

struct http_request {
    bool head_only;            /* HEAD in place of GET */
    char path[HTTP_PATH_SIZE]; /* without the query */
};

/* Whether the empty line that ends a head has come. */
bool http_head_ended(const char *head, size_t length);

/* HTTP_OK, or why not: *out means nothing then. */
enum http_status http_request_parse(const char *head, size_t length, struct http_request *out);

#endif
