/* SPDX-License-Identifier: MIT */
/* How many connections come from each address. */
#ifndef TOOLS_COMMON_SOURCE_H
#define TOOLS_COMMON_SOURCE_H

#include <netinet/in.h>
#include <stdint.h>

/* An address that has connections. */
struct source {
    in_addr_t address;
    uint32_t count;
};

/* Counts a connection from the address; *sources is a tree of them, NULL at first. NULL: it has `most`, or memory
 * ran out. */
struct source *source_take(void **sources, in_addr_t address, uint32_t most);

/* The connection has ended. */
void source_return(void **sources, struct source *source);

#endif
