/* SPDX-License-Identifier: MIT */
/*
 * The directory's rules: a GetRouteRequest subscribes its connection to the route and is answered; a change of the
 * route is pushed to all its subscribers. Each answer is read from the store when the subscriber can take it, so
 * the newest version is what it gets; requests for one key that wait together get one answer.
 */
#ifndef TOOLS_DNS_DIRECTORY_H
#define TOOLS_DNS_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "tools/common/server.h"
#include "tools/dns/store.h"

struct directory;

/* Follows the store from now on. Messages of more than FRAME_BODY_MAX bytes go to peers that say they take them;
 * long_frames: to all. Returns 0, or libuv's negative error. The store is the caller's. */
int directory_start(struct directory **out, uv_loop_t *loop, struct store *store, size_t max_subscriptions,
                    bool long_frames);

/* Tells contents of a route apart. */
uint64_t directory_digest(const struct host_addr *hosts, size_t count);

/* For the server. */
struct server_handler directory_handler(struct directory *directory);

/* Stops following. Free it after the loop has ended, without connections. */
void directory_stop(struct directory *directory);
void directory_free(struct directory *directory);

/* Logs what was done, when it ends. */
void directory_log_totals(const struct directory *directory);

#endif
