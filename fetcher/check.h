/* SPDX-License-Identifier: MIT */
#ifndef FETCHER_CHECK_H
#define FETCHER_CHECK_H

/* The command --check-config: says all that is wrong with the file at `path`, and what there is not on this machine.
 * Returns the exit status. */
int check_config(const char *path, const char *instance);

#endif
