/* SPDX-License-Identifier: MIT */
/*
 * A command that failed with nothing to show: why goes to stderr, and with --json also to stdout, as the one document
 * that a script gets. All return the exit code.
 */
#ifndef TOOLS_LARSHM_FAILURE_H
#define TOOLS_LARSHM_FAILURE_H

#include "shm/status.h"
#include "tools/larshm/command.h"
#include "tools/larshm/facts.h"

__attribute__((format(printf, 3, 4))) int fail(const struct common *common, int exit_code, const char *format,
                                               ...);

/* The exit code that goes with a code of larshm.h or shm/status.h. */
int exit_code_of(int code);

/* Says what a code of larshm.h or shm/status.h means for the lookup of a route. */
int fail_lookup(const struct common *common, struct route_key key, int code);

/* The same, for an instance whose routes object could not be opened. */
int fail_unopened(const struct common *common, int code);

/* Opens an instance, and reads what is to know of it, or says why not. */
int open_instance(const struct common *common, struct instance *out);
int open_facts(const struct common *common, struct instance *instance, struct facts *facts);

/* The same, for a result that could not be reported, and for a hosts object that cannot be used. */
int fail_report(const struct common *common, struct route_key key, int code);
int fail_hosts(const struct common *common, enum shm_status status);

#endif
