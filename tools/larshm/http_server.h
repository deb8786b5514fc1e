/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server of a few pages, for GET and HEAD: one request a connection. What a peer may take is bounded: bytes of
 * the head, seconds for all of it, connections; of those the one that is open for longest makes room.
 */
#ifndef TOOLS_LARSHM_HTTP_SERVER_H
#define TOOLS_LARSHM_HTTP_SERVER_H

#include <uv.h>

#include "tools/larshm/http_request.h"

struct http_server;

struct http_page {
    enum http_status status;
    const char *type; /* media type */
    char *text;       /* from malloc(); NULL: the status is all */
    size_t length;
};

/* Fills in the page at a path; *page is HTTP_NOT_FOUND without a text. */
typedef void http_page_fn(void *arg, const char *path, struct http_page *page);

/* Returns 0, or libuv's negative error; *out may be there to be stopped all the same. *bound: where it listens. */
int http_server_start(struct http_server **out, uv_loop_t *loop, const struct sockaddr_storage *address,
                      http_page_fn *page, void *arg, struct sockaddr_storage *bound);

/* Closes all. The memory goes with http_server_free() after the loop has ended. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);

#endif
