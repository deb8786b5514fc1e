/* SPDX-License-Identifier: MIT */
/* IPv4 addresses with a port in text that people and files give. */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

enum {
    ADDRESS_TEXT_SIZE = INET_ADDRSTRLEN + sizeof(":65535") - 1,
};

/* Reads all of "IP:PORT": a dotted address, 0.0.0.0 too, and a port from 0 to 65535. Otherwise *out is untouched. */
bool address_parse(const char *text, struct sockaddr_in *out);

/* The other way. */
void address_format(const struct sockaddr_in *address, char out[static ADDRESS_TEXT_SIZE]);

#endif
