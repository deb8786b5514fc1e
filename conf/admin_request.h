/* SPDX-License-Identifier: MIT */
/*
 * A request on the admin socket: one line of JSON in, a checked struct out. This file alone knows how a request is
 * written:
 *
 *      {"version":1,"command":"drain","modid":1,"cmdid":1,"host":"10.0.0.1:8080"}
 *
 * "modid" and "cmdid" stand together; "host" needs them. Members that are not listed here are refused.
 */
#ifndef CONF_ADMIN_REQUEST_H
#define CONF_ADMIN_REQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ADMIN_VERSION = 1,
    ADMIN_COMMAND_SIZE = 32,
    ADMIN_TEXT_SIZE = 1024, /* of an error's text */
};

struct admin_request {
    char command[ADMIN_COMMAND_SIZE];
    bool has_route, has_host;
    uint32_t modid, cmdid;   /* 0 without a route */
    struct sockaddr_in host; /* neither address nor port is 0 */
};

/* Why a request was not carried out: `code` for programs, "" where there is no error; `text` for people, ASCII. */
struct admin_error {
    char code[32];
    char text[ADMIN_TEXT_SIZE];
};

/* Returns true, or false with `error` filled in and *out undefined. */
bool admin_request_parse(const char *line, size_t length, struct admin_request *out,
                         struct admin_error *error);

/* The answer to a request that is not carried out, to be freed; NULL: no memory. */
char *admin_error_answer(const struct admin_error *error);

/* Fills `error` in: bytes that are no printable ASCII become '?'. Returns false, for its caller to return. */
__attribute__((format(printf, 3, 4))) bool admin_refuse(struct admin_error *error, const char *code,
                                                        const char *format, ...);

#endif
