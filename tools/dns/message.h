/* SPDX-License-Identifier: MIT */
/* Bodies of the Lars messages between a directory and its clients. Only message.c knows the generated types. */
#ifndef TOOLS_DNS_MESSAGE_H
#define TOOLS_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/field.h"
#include "proto/frame.h"
#include "proto/message_id.h"
#include "shm/layout.h"

enum {
    RESPONSE_MAX = FIELD_ROUTE_MAX + HOSTS_MAX * FIELD_HOST_MAX, /* bytes of the body of an answer */
    ANSWER_VERSION_MAX = 1 + FIELD_NUMBER_MAX,                   /* of the version behind it */
};

/*
 * Returns 0, or -1 when the body is no GetRouteRequest: nothing is stored. *max_frame is the longest body that the peer
 * says it takes; 0: it does not say.
 */
int message_decode_request(const uint8_t *body, size_t length, struct route_key *key, uint32_t *max_frame);

/* Writes the body of a GetRouteResponse and returns its length. `count` is at most HOSTS_MAX. */
uint32_t message_encode_response(struct route_key key, const struct host_addr *hosts, size_t count,
                                 uint8_t out[static RESPONSE_MAX]);

/* Writes the version, which goes behind the body of a GetRouteResponse, and returns its length. */
uint32_t message_encode_version(uint64_t version, uint8_t out[static ANSWER_VERSION_MAX]);

#endif
