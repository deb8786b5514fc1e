/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_TEXTFILE_H
#define TOOLS_LARSHM_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Replaces the file at `path`, so that a reader sees the old text or the new one, whole. False, with errno: it is as it was;
 * EEXIST: a link, a pipe, a device or a socket, which is not replaced. */
bool textfile_write(const char *path, const char *text, size_t length);

#endif
