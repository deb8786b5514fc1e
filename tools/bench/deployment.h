/* SPDX-License-Identifier: MIT */
/*
 * A directory for the files of real programs, and two of them that run in it: a larshm-fetcher with limits that allow a
 * million routes, and a larshm-dns on a SQLite database of a fixture's routes.
 */
#ifndef TOOLS_BENCH_DEPLOYMENT_H
#define TOOLS_BENCH_DEPLOYMENT_H

#include <netinet/in.h>

#include "tools/bench/program.h"

struct deployment {
    char home[PROGRAM_PATH / 2]; /* empty: there is none */
};

/* Makes the directory under $TMPDIR, or /tmp. False: said on stderr. */
bool deployment_open(struct deployment *deployment);

/* Removes it with all that is in it. A zeroed deployment is fine. */
void deployment_close(struct deployment *deployment);

/* Starts a program with a log in the directory; see program_start(). */
bool deployment_start(const struct deployment *deployment, const struct bench *bench, const char *name,
                      const char *const *arguments, struct program *out);

struct fetcher_config {
    const char *instance;
    in_port_t directory; /* on loopback, host order */
    uint32_t update_timeout_s;
    const char *program; /* see program_start() */
};

/*
 * Configures a fetcher that lets no host return from ejection, starts it, and waits until it serves. False: said on
 * stderr. Kill it in any case.
 */
bool deployment_start_fetcher(const struct deployment *deployment, const struct bench *bench,
                              const struct fetcher_config *config, struct program *out);

/* Makes the database with larshm-dns: so many routes of `hosts` hosts. False: said on stderr. */
bool deployment_import(const struct deployment *deployment, const struct bench *bench, uint32_t routes,
                       uint32_t hosts);

/* Adds host number `host` to the route, or deletes it, as an operator would. False: said on stderr. */
bool deployment_edit(const struct deployment *deployment, const struct bench *bench, bool add, uint32_t route,
                     uint32_t host);

/* Starts larshm-dns on *port; for port 0 the kernel chooses one, and *port becomes that. False: said on stderr. Kill
 * it in any case. */
bool deployment_start_dns(const struct deployment *deployment, const struct bench *bench, in_port_t *port,
                          struct program *out);

#endif
