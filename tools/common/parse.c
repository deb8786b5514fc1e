/* SPDX-License-Identifier: MIT */
#include "tools/common/parse.h"

#include <arpa/inet.h>

#include "conf/address.h"
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

bool parse_host(const char *text, struct host_addr *out)
{
    struct sockaddr_in address;
    if (!address_parse(text, &address) || address.sin_addr.s_addr == INADDR_ANY || address.sin_port == 0)
        return false;
    *out = (struct host_addr){address.sin_addr.s_addr, address.sin_port};
    return true;
}
