/* SPDX-License-Identifier: MIT */
#include "tools/common/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "conf/number.h"

enum {
    ADDRESS_BITS = 32,
};

bool network_parse(const char *text, struct network *out)
{
    char address[INET_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    size_t length = (size_t)(slash - text);
    uint32_t bits = ADDRESS_BITS;
    struct in_addr in;
    if (length >= sizeof(address) || (*slash && !number_parse(slash + 1, 0, ADDRESS_BITS, &bits)))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    in_addr_t mask = htonl(bits ? UINT32_MAX << (ADDRESS_BITS - bits) : 0);
    if (inet_pton(AF_INET, address, &in) != 1 || (in.s_addr & ~mask) != 0)
        return false;
    *out = (struct network){in.s_addr, mask};
    return true;
}

bool network_contains(struct network network, in_addr_t address)
{
    return (address & network.mask) == network.address;
}
