/* SPDX-License-Identifier: MIT */
/* What other interfaces call a host. By hand: snprintf() follows the locale, and a handler of a signal may not call it. */
#include <arpa/inet.h>
#include <string.h>

#include "reader/include/larshm/larshm.h"

/* Returns behind the last digit; up to 65535. */
static char *put_number(char *to, unsigned value)
{
    if (value >= 10)
        to = put_number(to, value / 10);
    *to = (char)('0' + value % 10);
    return to + 1;
}

int larshm_host_format(const larshm_host *host, char *text, size_t size)
{
    char whole[LARSHM_HOST_TEXT], *end = whole;
    const in_addr_t addr = ntohl(host->addr);
    for (int shift = 24; shift >= 0; shift -= 8) {
        end = put_number(end, addr >> shift & 255);
        *end++ = shift > 0 ? '.' : ':';
    }
    end = put_number(end, ntohs(host->port));
    *end++ = '\0';
    const size_t used = (size_t)(end - whole);
    if (used > size)
        return LARSHM_BAD_ARGUMENT;
    memcpy(text, whole, used);
    return LARSHM_OK;
}

void larshm_host_sockaddr(const larshm_host *host, struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = host->port, .sin_addr = {.s_addr = host->addr}};
}
