/* SPDX-License-Identifier: MIT */
/* Strict readers for text that people and files give. On false, *out is untouched. */
#ifndef TOOLS_COMMON_PARSE_H
#define TOOLS_COMMON_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/host_addr.h"

/* What each reader takes, for error messages. */
#define PARSE_ID_ALLOWED      "a decimal number from 0 to 4294967295"
#define PARSE_PORT_ALLOWED    "a decimal number from 1 to 65535"
#define PARSE_IP_ALLOWED      "a dotted IPv4 address other than 0.0.0.0"
#define PARSE_HOST_ALLOWED    "IP:PORT, " PARSE_IP_ALLOWED " and a port from 1 to 65535"
#define PARSE_ADDRESS_ALLOWED "IP:PORT, a dotted IPv4 address and a port from 0 to 65535"

/* Why no route may have the key ROUTE_KEY_NONE. */
#define PARSE_KEY_RESERVED                                                                                   \
    "route 4294967295 4294967295 cannot be looked up: larshm reserves this key for itself; choose another"

/* Why no route may have a host with the address INADDR_BROADCAST. */
#define PARSE_IP_BROADCAST "255.255.255.255 is the broadcast address and no host's: give the host's own"

bool parse_id(const char *text, uint32_t *out);

/* Results are in network byte order. */
bool parse_port(const char *text, uint16_t *out);
bool parse_ip(const char *text, uint32_t *out);
bool parse_host(const char *text, struct host_addr *out);

#endif
