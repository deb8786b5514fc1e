/* SPDX-License-Identifier: MIT */
/*
 * A command that failed with nothing to show: why goes to stderr, and with --json also to stdout, as the one document
 * that a script gets. All return the exit code.
 */
#ifndef TOOLS_LARSHM_FAILURE_H
#define TOOLS_LARSHM_FAILURE_H

#include "tools/larshm/command.h"

__attribute__((format(printf, 3, 4))) int fail(const struct common *common, int exit_code, const char *format,
                                               ...);

/* Says what a code of larshm.h or shm/status.h means for the lookup of a route. */
int fail_lookup(const struct common *common, const struct route_name *name, int code);

/* The same, for an instance whose routes object could not be opened. */
int fail_unopened(const struct common *common, int code);

#endif
