/* SPDX-License-Identifier: MIT */
#include "tools/common/parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/number.h"

bool parse_id(const char *text, uint32_t *out)
{
    return number_parse(text, 0, UINT32_MAX, out);
}

bool parse_port(const char *text, uint16_t *out)
{
    uint32_t value;
    if (!number_parse(text, 1, UINT16_MAX, &value))
        return false;
    *out = htons((uint16_t)value);
    return true;
}

bool parse_ip(const char *text, uint32_t *out)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1 || address.s_addr == INADDR_ANY)
        return false;
    *out = address.s_addr;
    return true;
}

/* Copies what stands before the colon; returns what stands behind it, or NULL. */
static const char *split_address(const char *text, char ip[static INET_ADDRSTRLEN])
{
    const char *colon = strchr(text, ':');
    if (!colon || colon - text >= INET_ADDRSTRLEN)
        return NULL;
    memcpy(ip, text, (size_t)(colon - text));
    ip[colon - text] = '\0';
    return colon + 1;
}

bool parse_host(const char *text, struct host_addr *out)
{
    char ip[INET_ADDRSTRLEN];
    struct host_addr host;
    const char *port = split_address(text, ip);
    if (!port || !parse_ip(ip, &host.address) || !parse_port(port, &host.port))
        return false;
    *out = host;
    return true;
}

bool parse_address(const char *text, struct sockaddr_in *out)
{
    char ip[INET_ADDRSTRLEN];
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint32_t number;
    const char *port = split_address(text, ip);
    if (!port || inet_pton(AF_INET, ip, &address.sin_addr) != 1 ||
        !number_parse(port, 0, UINT16_MAX, &number))
        return false;
    address.sin_port = htons((uint16_t)number);
    *out = address;
    return true;
}

void format_address(const struct sockaddr_in *address, char out[static PARSE_ADDRESS_SIZE])
{
    char ip[INET_ADDRSTRLEN] = "?";
    inet_ntop(AF_INET, &address->sin_addr, ip, sizeof(ip));
    snprintf(out, PARSE_ADDRESS_SIZE, "%s:%u", ip, (unsigned)ntohs(address->sin_port));
}
