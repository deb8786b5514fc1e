/* SPDX-License-Identifier: MIT */
/* What a Lars agent does with a datagram, over liblarshm. Knows no sockets. */
#ifndef TOOLS_BRIDGE_AGENT_H
#define TOOLS_BRIDGE_AGENT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/log.h"
#include "shm/layout.h"
#include "tools/bridge/message.h"
#include "tools/bridge/source.h"

struct agent_totals {
    uint64_t requests;     /* all of them answered */
    uint64_t reports;      /* handed on */
    uint64_t lost_reports; /* no instance to record them in, or no room */
    uint64_t bad;          /* malformed datagrams: dropped */
    uint64_t too_large;    /* answers without hosts, because they do not fit into a datagram */
};

/* Belongs to one thread. Zero-initialise, and set the source. */
struct agent {
    struct source *source;
    struct agent_totals totals;
    struct log_limit bad_limit, lookup_limit, report_limit, too_large_limit;
    larshm_host hosts[HOSTS_MAX];
};

/* Deals with one datagram. Returns the size of the answer in `out`; 0: there is none. */
size_t agent_handle(struct agent *agent, const uint8_t *datagram, size_t size, const struct sockaddr_in *from,
                    uint8_t out[static DATAGRAM_MAX]);

#endif
