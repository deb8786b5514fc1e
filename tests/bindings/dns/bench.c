/* SPDX-License-Identifier: MIT */
/*
 * What tools/languages measures of a DNS server on 127.0.0.1: `bench PORT NAME COUNT` looks up the SRV records of NAME in the
 * two ways that programs do, prints "CALL<TAB>NS" for each, and fails unless both find hosts.
 *
 * "UDP" sends a query that it has made before over a socket that stays open, and counts the answers: the least that a lookup
 * can cost. "res_nquery" is libc's resolver, which getaddrinfo() is built on: it makes the query, and a socket for it.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bindings/chunks.h"

enum {
    CALLS = 10,
    ANSWER_BYTES = 4096,
    TIMEOUT_S = 2,
};

struct subject {
    struct __res_state resolver;
    const char *name;
    int socket;
    unsigned char query[NS_PACKETSZ];
    int query_bytes;
};

static bool has_hosts(const unsigned char *answer, ssize_t bytes)
{
    ns_msg message;
    return bytes > 0 && ns_initparse(answer, (int)bytes, &message) == 0 && ns_msg_count(message, ns_s_an) > 0;
}

static bool ask_over_udp(void *context)
{
    const struct subject *subject = context;
    unsigned char answer[ANSWER_BYTES];
    bool done = true;
    for (int i = 0; i < CALLS && done; i++)
        done =
            send(subject->socket, subject->query, (size_t)subject->query_bytes, 0) == subject->query_bytes &&
            has_hosts(answer, recv(subject->socket, answer, sizeof(answer), 0));
    return done;
}

static bool ask_resolver(void *context)
{
    struct subject *subject = context;
    unsigned char answer[ANSWER_BYTES];
    bool done = true;
    for (int i = 0; i < CALLS && done; i++)
        done = has_hosts(
            answer, res_nquery(&subject->resolver, subject->name, ns_c_in, ns_t_srv, answer, sizeof(answer)));
    return done;
}

static bool prepare(struct subject *subject, uint16_t port)
{
    const struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = TIMEOUT_S};
    if (res_ninit(&subject->resolver) != 0)
        return false;
    subject->resolver.nsaddr_list[0] = server;
    subject->resolver.nscount = 1;
    subject->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (subject->socket < 0 ||
        setsockopt(subject->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(subject->socket, (const struct sockaddr *)&server, sizeof(server)) != 0)
        return false;
    subject->query_bytes = res_nmkquery(&subject->resolver, ns_o_query, subject->name, ns_c_in, ns_t_srv,
                                        NULL, 0, NULL, subject->query, sizeof(subject->query));
    return subject->query_bytes > 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench PORT NAME COUNT\n");
        return 1;
    }
    struct subject subject = {.name = argv[2], .socket = -1};
    size_t chunks = strtoul(argv[3], NULL, 10) / CALLS;
    bool done = prepare(&subject, (uint16_t)strtoul(argv[1], NULL, 10)) &&
                chunk_measure("UDP", ask_over_udp, &subject, CALLS, chunks) &&
                chunk_measure("res_nquery", ask_resolver, &subject, CALLS, chunks);
    if (!done)
        fprintf(stderr, "bench: no hosts of %s\n", subject.name);
    if (subject.socket >= 0)
        close(subject.socket);
    res_nclose(&subject.resolver);
    return done ? 0 : 1;
}
