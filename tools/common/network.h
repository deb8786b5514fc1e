/* SPDX-License-Identifier: MIT */
/* IPv4 networks, as in 10.0.0.0/8. */
#ifndef TOOLS_COMMON_NETWORK_H
#define TOOLS_COMMON_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>

#define NETWORK_ALLOWED "a dotted IPv4 address, or a network as in 10.0.0.0/8 without bits behind its length"

/* In network order. */
struct network {
    in_addr_t address, mask;
};

/* An address alone is a network of one. On false, *out is untouched. */
bool network_parse(const char *text, struct network *out);

bool network_contains(struct network network, in_addr_t address);

#endif
