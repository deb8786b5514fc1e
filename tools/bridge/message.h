/* SPDX-License-Identifier: MIT */
/*
 * Datagrams between Lars clients and the agent of their machine: bytes in, plain data out, and back. On the wire
 * modid, cmdid and ip are int32, the ip in host order; here they are unsigned, the address in network byte order.
 */
#ifndef TOOLS_BRIDGE_MESSAGE_H
#define TOOLS_BRIDGE_MESSAGE_H

#include <larshm/larshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DATAGRAM_MAX = 65507, /* bytes that fit into a UDP datagram over IPv4 */
};

enum request_kind {
    REQUEST_HOST,  /* is answered with one host */
    REPORT,        /* is not answered */
    REQUEST_ROUTE, /* is answered with all hosts */
};

struct request {
    enum request_kind kind;
    uint32_t seq;     /* of REQUEST_HOST */
    larshm_host host; /* modid and cmdid of every kind; addr and port of REPORT */
    int32_t retcode;  /* of REPORT */
};

/* Returns NULL, or what is wrong with the datagram: *out is untouched. Takes no memory, whatever is in it. */
const char *message_decode(const uint8_t *datagram, size_t size, struct request *out);

/* Writes the answer to a REQUEST_HOST; retcode is one of Lars, and only with LARSHM_OK there is a host in it.
 * Returns the answer's size. */
size_t message_encode_host(uint8_t out[static DATAGRAM_MAX], uint32_t seq, int32_t retcode,
                           const larshm_host *host);

/* Writes the answer to a REQUEST_ROUTE and returns its size. Hosts that do not all fit are all left out: an answer is
 * whole (G2), and has no code that could say that it is not. *whole: they are in. */
size_t message_encode_route(uint8_t out[static DATAGRAM_MAX], uint32_t modid, uint32_t cmdid,
                            const larshm_host *hosts, size_t count, bool *whole);

#endif
