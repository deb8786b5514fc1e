/* SPDX-License-Identifier: MIT */
/* Sockets and addresses, where libuv stops. */
#ifndef FETCHER_TCP_H
#define FETCHER_TCP_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

/* The peer's machine may vanish silently: makes the kernel find out, within limit_ms if data is on its way. */
void tcp_watch(uv_tcp_t *tcp, unsigned limit_ms);

/* The IPv4 address of this end, as a number; 0: it has none. */
uint32_t tcp_own_ip(const uv_tcp_t *tcp);

/* The address of the other end as text. False: there is none. */
bool tcp_peer_ip(const uv_tcp_t *tcp, char out[static INET6_ADDRSTRLEN]);

/* The other end is one of the addresses. */
bool tcp_leads_to(const struct addrinfo *list, const uv_tcp_t *tcp);

/* A name may have several addresses: number `index`, and after the last one the first again. `list` is not empty. */
const struct sockaddr *tcp_address(const struct addrinfo *list, unsigned index);

#endif
