/* SPDX-License-Identifier: MIT */
/*
 * Addresses of a peer, looked up without stopping the loop. Not by libuv: where its pool of threads cannot be started, it
 * ends the process. Here each look-up of a name has a thread of its own, and a thread that cannot be started is an error
 * like any other.
 */
#ifndef FETCHER_NAME_LOOKUP_H
#define FETCHER_NAME_LOOKUP_H

#include <netdb.h>
#include <uv.h>

#include "conf/config.h"

struct name_lookup;

/* `error` is NULL, or says why there is no list. The list is the callback's to free. */
typedef void name_lookup_done(void *context, const char *error, struct addrinfo *list);

/* *out is NULL where `done` has been called already: for an address, which needs no thread, and for an error. Otherwise it
 * is valid until `done` is called. */
void name_lookup_start(struct name_lookup **out, uv_loop_t *loop, const struct config_peer *peer,
                       name_lookup_done *done, void *context);

/* Nothing waits for it any more. The loop cannot be closed before its thread has ended. NULL is fine. */
void name_lookup_abandon(struct name_lookup *lookup);

#endif
