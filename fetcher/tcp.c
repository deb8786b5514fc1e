/* SPDX-License-Identifier: MIT */
#include "fetcher/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
    KEEPALIVE_S = 5
};

void tcp_watch(uv_tcp_t *tcp, unsigned limit_ms)
{
    uv_os_fd_t fd;
    uv_tcp_keepalive(tcp, 1, KEEPALIVE_S);
    if (uv_fileno((uv_handle_t *)tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
}

uint32_t tcp_own_ip(const uv_tcp_t *tcp)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    int size = sizeof(address);
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &size) != 0 || address.ss_family != AF_INET)
        return 0;
    return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr);
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

bool tcp_peer_ip(const uv_tcp_t *tcp, char out[static INET6_ADDRSTRLEN])
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    int size = sizeof(address);
    return uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &size) == 0 &&
           uv_ip_name((struct sockaddr *)&address, out, INET6_ADDRSTRLEN) == 0;
}

bool tcp_leads_to(const struct addrinfo *list, const uv_tcp_t *tcp)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    int size = sizeof(address);
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &size) != 0)
        return false;
    for (; list; list = list->ai_next)
        if (same_address(list->ai_addr, (const struct sockaddr *)&address))
            return true;
    return false;
}

const struct sockaddr *tcp_address(const struct addrinfo *list, unsigned index)
{
    unsigned count = 0;
    for (const struct addrinfo *at = list; at; at = at->ai_next)
        count++;
    for (unsigned skip = index % count; skip; skip--)
        list = list->ai_next;
    return list->ai_addr;
}
