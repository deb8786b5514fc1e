/* SPDX-License-Identifier: MIT */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <stddef.h>

#include "conf/complaint.h"

enum {
    FILE_MAX = 1 << 20,
};

/*
 * Reads the regular file to->path of at most FILE_MAX bytes; never blocks on a pipe. Returns 0 with *text for the caller
 * to free; or -1 with a complaint, *text and *size untouched.
 */
int file_read(char **text, size_t *size, struct complaints *to);

#endif
