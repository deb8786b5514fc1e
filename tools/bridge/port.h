/* SPDX-License-Identifier: MIT */
/* One UDP port of the bridge, with a thread of its own. Datagrams come and go in batches. */
#ifndef TOOLS_BRIDGE_PORT_H
#define TOOLS_BRIDGE_PORT_H

#include <netinet/in.h>
#include <stdint.h>

#include "tools/bridge/agent.h"

struct port;

/* Takes the port. Returns NULL with errno set. Datagrams wait until port_start(). */
struct port *port_open(const struct sockaddr_in *address, struct source *source);

/* Begins to answer, in the port's own thread. Returns 0, or -1 with errno set. */
int port_start(struct port *port);

/* Ends the thread, if there is one: what follows is final. */
void port_stop(struct port *port);
void port_close(struct port *port);

/* With the number that the kernel chose, if it was to choose. */
const struct sockaddr_in *port_address(const struct port *port);

/* Only of a port that has stopped. *unsent: answers that the kernel did not take. */
const struct agent_totals *port_totals(const struct port *port, uint64_t *unsent);

#endif
