/* SPDX-License-Identifier: MIT */
/* The fetcher's configuration: an INI file in, a checked struct out. A file with an error anywhere changes nothing. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "conf/values.h"

enum {
    CONFIG_ERROR_SIZE = 1024, /* enough for every error text but that of a very long path */
};

/*
 * Loads `path`; keys that it does not set, and all of them when `path` is NULL, get their defaults. Returns 0, or
 * -1 with *out untouched and `error` saying "FILE:LINE: what is wrong and what is allowed" ("FILE: ..." where no
 * line is to blame).
 */
int config_load(const char *path, struct config *out, char *error, size_t error_size);

/* Prints the value of every key as a line "section.key = value", in the order of larshm.conf. */
void config_print(FILE *out, const struct config *config);

/*
 * Copies from `loaded` the keys that may change in a running fetcher. Returns how many keys differ that need a restart
 * instead: those keep their value in `running`, and `restart` names them as "shm.max_bytes, shm.group".
 */
size_t config_reload(struct config *running, const struct config *loaded, char *restart, size_t restart_size);

#endif
