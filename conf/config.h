/* SPDX-License-Identifier: MIT */
/* The fetcher's configuration: an INI file in, a checked struct out. A file with an error anywhere changes nothing. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "conf/values.h"

struct complaints;
struct scan;

/*
 * Loads `path`; keys that it does not set, and all of them when `path` is NULL, get their defaults. Returns 0, and *where
 * says what the file sets; or -1, and *to says all that is wrong with it, and *out is untouched. Without a path `where` and
 * `to` may be NULL.
 */
int config_load(const char *path, struct config *out, struct scan *where, struct complaints *to);

/* Prints a file that sets every key to its value. */
void config_print(FILE *out, const struct config *config);

/*
 * Copies from `loaded` the keys that may change in a running fetcher. Returns how many keys differ that need a restart
 * instead: those keep their value in `running`, and `restart` names them as "shm.max_bytes, shm.group".
 */
size_t config_reload(struct config *running, const struct config *loaded, char *restart, size_t restart_size);

#endif
