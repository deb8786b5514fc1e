/* SPDX-License-Identifier: MIT */
/* Where an instance's snapshot is. */
#ifndef FETCHER_SNAPSHOT_PATH_H
#define FETCHER_SNAPSHOT_PATH_H

#include <stddef.h>

/*
 * What [fetcher] snapshot says, with the instance's name in place of %i; "": there is none. The default counts only
 * where its folder is there, belongs to this user, and no other user may write to it. The log says where it does not, and
 * where nothing can be written to a path that is configured.
 */
void snapshot_path(const char *configured, const char *instance, char *out, size_t size);

#endif
