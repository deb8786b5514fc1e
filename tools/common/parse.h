/* SPDX-License-Identifier: MIT */
/* Strict readers for text that people and files give. On false, *out is untouched. */
#ifndef COMMON_PARSE_H
#define COMMON_PARSE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/route.h"

/* What each reader takes, for error messages. */
#define PARSE_ID_ALLOWED      "a decimal number from 0 to 4294967295"
#define PARSE_PORT_ALLOWED    "a decimal number from 1 to 65535"
#define PARSE_IP_ALLOWED      "a dotted IPv4 address other than 0.0.0.0"
#define PARSE_HOST_ALLOWED    "IP:PORT, " PARSE_IP_ALLOWED " and a port from 1 to 65535"
#define PARSE_ADDRESS_ALLOWED "IP:PORT, a dotted IPv4 address and a port from 0 to 65535"

enum {
    PARSE_ADDRESS_SIZE = INET_ADDRSTRLEN + sizeof(":65535") - 1,
};

bool parse_id(const char *text, uint32_t *out);
bool parse_port(const char *text, uint16_t *out);
bool parse_ip(const char *text, uint32_t *out);
bool parse_host(const char *text, struct route_host *out);

/* An address to listen on: 0.0.0.0 and port 0 are allowed. */
bool parse_address(const char *text, struct sockaddr_in *out);

/* The other way: "IP:PORT". */
void format_address(const struct sockaddr_in *address, char out[static PARSE_ADDRESS_SIZE]);

#endif
