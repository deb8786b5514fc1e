/* SPDX-License-Identifier: MIT */
/* JSON as every command prints it: "version":1, numbers as numbers, units in names. */
#ifndef TOOLS_LARSHM_JSON_H
#define TOOLS_LARSHM_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "tools/larshm/hosts.h"
#include "tools/larshm/route.h"

enum {
    JSON_VERSION = 1
};

/* JSON's integers are signed here: what is larger than any true value becomes the largest one. */
json_int_t json_number(uint64_t value);

/* A route with all its hosts and what is known of them; `known` NULL: only whether they are in rotation. NULL when
 * memory ran out. */
json_t *json_route(const struct route *route, const struct known_hosts *known);

/* A host's "ip" and "port". */
json_t *json_host(struct host_addr host);

/* Prints a document, or one line of a stream of them, and frees it. Returns the exit code; NULL: out of memory. */
int json_print(json_t *document);
int json_print_line(json_t *document);

#endif
