/* SPDX-License-Identifier: MIT */
/* Where an instance's admin socket is when it is not configured: the same places for the fetcher and for larshm. */
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
    char directory[CONFIG_PATH_SIZE]; /* base/INSTANCE */
    char socket[CONFIG_PATH_SIZE];    /* base/INSTANCE/admin.sock */
};

/* False: the place does not exist for this process, or its path is too long for a socket. */
bool admin_path(enum admin_place place, const char *instance, struct admin_path *out);

#endif
