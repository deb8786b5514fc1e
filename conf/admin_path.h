/* SPDX-License-Identifier: MIT */
/* Where a program's admin socket is when it is not configured: the same places for who listens and who connects. */
#ifndef CONF_ADMIN_PATH_H
#define CONF_ADMIN_PATH_H

#include <stdbool.h>

#include "conf/values.h"

/* In the order in which they are tried. */
enum admin_place {
    ADMIN_RUN, /* /run/larshm */
    ADMIN_XDG, /* $XDG_RUNTIME_DIR/larshm */
    ADMIN_PLACES
};

struct admin_path {
    char base[CONFIG_PATH_SIZE];
    char directory[CONFIG_PATH_SIZE]; /* base/NAME */
    char socket[CONFIG_PATH_SIZE];    /* base/NAME/admin.sock */
};

/* The fetcher's name is its instance, which has no dots, so that others take names with one. False: the place does
 * not exist for this process, or its path is too long for a socket. */
bool admin_path(enum admin_place place, const char *name, struct admin_path *out);

#endif
