/* SPDX-License-Identifier: MIT */
/*
 * The admin socket: operators' commands over a Unix stream socket, one line of JSON each way, see admin_request.h; some
 * are answered with more lines. A request has at most ADMIN_LINE_MAX bytes. Requests of one peer are carried out one
 * after the other: while an answer is not read, nothing more is read from that peer. A peer that takes longer than
 * ADMIN_TIMEOUT_MS to send a request and to read its answer, or a part of a long one, is dropped. A peer above
 * `peers_max` gets an error, and its connection ends.
 */
#ifndef CONF_ADMIN_SERVER_H
#define CONF_ADMIN_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum {
    ADMIN_LINE_MAX = 65536, /* with its newline */
    ADMIN_TIMEOUT_MS = 10000,
};

/* What is left of an answer of many lines, a part of which is made when the one before is read; or an answer that comes later. */
struct admin_rest {
    /* The next lines, without the last line break, to be freed; NULL: no memory. Sets `next` to NULL with the last ones. */
    char *(*next)(struct admin_rest *rest);
    bool later; /* execute() returned NULL, and admin_server_answer() comes within ADMIN_TIMEOUT_MS */
    /* Forgets it: the connection has ended before the last lines were made. */
    void (*drop)(struct admin_rest *rest);
    void *arg;
};

/* What operators' commands do here. */
struct admin_service {
    /* Carries out the request in `line`. Returns the answer's lines, without the last line break, to be freed; NULL: no
     * memory, or later. `rest` is zero, and may be set. */
    char *(*execute)(void *arg, const char *line, size_t length, struct admin_rest *rest);
    void *arg;
    unsigned peers_max;
    const char *missing; /* without the socket, for the log, as in "`larshm host` does not work" */
    const char *remedy;  /* as in "set KEY to another path" */
};

struct admin_server;

/* Listens at the path `configured`, or, where that is "", at a default place of its own for `name`, see admin_path.h. If
 * there can be no socket the log says why, and the program works without it. NULL: out of memory. `name`, `configured`
 * and what `service` leads to must outlive it. */
struct admin_server *admin_server_start(uv_loop_t *loop, const char *name, const char *configured,
                                        const struct admin_service *service);

/* The answer that was to come later; as of execute(). */
void admin_server_answer(struct admin_rest *rest, char *answer);

/* Periodic maintenance: drops peers whose time is over, and makes a socket again that is not there. NULL is fine,
 * here and below. */
void admin_server_maintain(struct admin_server *server);

/* Closes everything and removes the socket. Freed once libuv has closed its handles. */
void admin_server_stop(struct admin_server *server);

#endif
