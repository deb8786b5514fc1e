/* SPDX-License-Identifier: MIT */
/* A command to the fetcher over its admin socket, see larshm-fetcher(8). */
#ifndef TOOLS_LARSHM_ADMIN_H
#define TOOLS_LARSHM_ADMIN_H

#include <jansson.h>

#include "tools/common/admin_client.h"
#include "tools/larshm/command.h"

/* Sends the request, which is freed, and waits for the answer. EXIT_SUCCESS: *answer is there, to be freed. Otherwise
 * it has said why not, and returns the exit code. */
int admin_send(const struct common *common, json_t *request, json_t **answer);

/*
 * The same without a word: 0, or a negative errno; -EPROTO: the answer makes no sense. `named`: the socket's path, NULL:
 * in its default place. It takes three times `timeout_s` at most.
 */
int admin_exchange(const char *named, const char *instance, unsigned timeout_s, json_t *request,
                   json_t **answer, char tried[static ADMIN_TRIED_SIZE]);

/* Why the fetcher refused: a word of larshm-fetcher(8), and a text. NULL: it has done it. */
const char *admin_code(const json_t *answer);
const char *admin_error(const json_t *answer);

/* Says why the fetcher refused a command about a route. Returns the exit code. */
int admin_fail_refused(const struct common *common, struct route_key key, const json_t *answer);

#endif
