/* SPDX-License-Identifier: MIT */
#include "conf/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/number.h"

bool address_parse(const char *text, struct sockaddr_in *out)
{
    char ip[INET_ADDRSTRLEN];
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint32_t port;
    const char *colon = strchr(text, ':');
    if (!colon || colon - text >= INET_ADDRSTRLEN)
        return false;
    memcpy(ip, text, (size_t)(colon - text));
    ip[colon - text] = '\0';
    if (inet_pton(AF_INET, ip, &address.sin_addr) != 1 || !number_parse(colon + 1, 0, UINT16_MAX, &port))
        return false;
    address.sin_port = htons((uint16_t)port);
    *out = address;
    return true;
}

void address_format(const struct sockaddr_in *address, char out[static ADDRESS_TEXT_SIZE])
{
    char ip[INET_ADDRSTRLEN] = "?";
    inet_ntop(AF_INET, &address->sin_addr, ip, sizeof(ip));
    snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", ip, (unsigned)ntohs(address->sin_port));
}
