/* SPDX-License-Identifier: MIT */
/* Bodies of the Lars messages between a directory and its clients. Only message.c knows the generated types. */
#ifndef TOOLS_DNS_MESSAGE_H
#define TOOLS_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "proto/message_id.h"
#include "shm/layout.h"

/* Returns 0, or -1 when the body is no GetRouteRequest: *key is untouched. */
int message_decode_request(const uint8_t *body, size_t length, struct route_key *key);

/*
 * Writes the body of a GetRouteResponse and returns its length. Hosts that do not fit are left out: *sent says how
 * many are in. `count` is at most HOSTS_MAX.
 */
uint32_t message_encode_response(struct route_key key, const struct host_addr *hosts, size_t count,
                                 uint8_t out[static FRAME_BODY_MAX], size_t *sent);

#endif
