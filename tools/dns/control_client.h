/* SPDX-License-Identifier: MIT */
/* What commands that speak to a running directory share: their options, and the connection. */
#ifndef TOOLS_DNS_CONTROL_CLIENT_H
#define TOOLS_DNS_CONTROL_CLIENT_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    EXIT_LAGS = 3,
    EXIT_NO_DIRECTORY = 4,
    CONTROL_JSON_VERSION = 1,
};

struct control_options {
    bool json;
    uint32_t port;
    const char *socket; /* "": the default place for the port */
};

void control_options_init(struct control_options *options);

/* For a command's own parser: a child, whose input is a struct control_options. */
extern const struct argp control_argp;

/* Each is to be released; `lines` is an array of what lies between the other two. */
struct control_answer {
    json_t *head, *lines, *end;
};

/* Sends the request, which is freed. Returns EXIT_SUCCESS, or another exit code, and the log says why. */
int control_ask(const struct control_options *options, json_t *request, struct control_answer *answer);
void control_answer_free(struct control_answer *answer);

/* Members of a line; "" and 0 where they are not there. */
const char *control_string(const json_t *line, const char *name);
uint64_t control_number(const json_t *line, const char *name);

/* Prints a document and frees it. Returns the exit code; NULL: out of memory. */
int control_print(json_t *document);

#endif
