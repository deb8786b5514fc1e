/* SPDX-License-Identifier: MIT */
/* A real larshm-dns on a SQLite database of a world's routes. */
#ifndef TOOLS_BENCH_DNS_H
#define TOOLS_BENCH_DNS_H

#include <netinet/in.h>

#include "tools/bench/program.h"

/* Makes the database in the site, with its own import: so many routes of `hosts` hosts. False: said on stderr. */
bool dns_import(const struct bench *bench, const struct site *site, uint32_t routes, uint32_t hosts);

/* Adds host number `host` to the route, or takes it out, as an operator would. False: said on stderr. */
bool dns_edit(const struct bench *bench, const struct site *site, bool add, uint32_t route, uint32_t host);

/* Starts it on a port that the kernel chooses. False: said on stderr. Kill it in any case. */
bool dns_start(struct program *dns, const struct bench *bench, const struct site *site, in_port_t *port);

#endif
