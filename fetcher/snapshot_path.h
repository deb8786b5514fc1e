/* SPDX-License-Identifier: MIT */
/* Where an instance's snapshot is. */
#ifndef FETCHER_SNAPSHOT_PATH_H
#define FETCHER_SNAPSHOT_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What [fetcher] snapshot says, with the instance's name in place of %i. False: there is none, and `out` says why. The
 * default counts only where its folder is there, belongs to this user, and no other user may write to it. The log says
 * where it does not, and where nothing can be written to a path that is configured.
 */
bool snapshot_path(const char *configured, const char *instance, char *out, size_t size);

/* The first sentence of it alone. */
void snapshot_path_expand(const char *configured, const char *instance, char *out, size_t size);

#endif
