/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <uv.h>

#include "conf/number.h"
#include "tools/larshm/metrics_serve.h"

enum {
    HOST_SIZE = 64
};

static bool copy_host(const char *text, size_t length, char host[static HOST_SIZE])
{
    if (length == 0 || length >= HOST_SIZE)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

/* Cuts the text into a host and a port; where it has none of one, that stays as it is. */
static bool split(const char *text, char host[static HOST_SIZE], const char **port)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL, *colon = strrchr(text, ':');
    if (bracket) {
        *port = bracket[1] == ':' ? bracket + 2 : *port;
        return (bracket[1] == ':' || !bracket[1]) && copy_host(text + 1, (size_t)(bracket - text - 1), host);
    }
    if (colon && strchr(text, ':') == colon) {
        *port = colon + 1;
        return copy_host(text, (size_t)(colon - text), host);
    }
    if (!colon && *text && strspn(text, "0123456789") == strlen(text)) {
        *port = text;
        return true;
    }
    return copy_host(text, strlen(text), host);
}

bool metrics_address(const char *text, struct sockaddr_storage *out)
{
    char host[HOST_SIZE] = "127.0.0.1";
    const char *port_text = NULL;
    uint32_t port = METRICS_PORT;
    struct sockaddr_storage address = {0};
    if (!split(text, host, &port_text) || (port_text && !number_parse(port_text, 0, UINT16_MAX, &port)))
        return false;
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)&address) != 0)
        return false;
    *out = address;
    return true;
}
