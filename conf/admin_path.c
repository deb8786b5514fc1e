/* SPDX-License-Identifier: MIT */
#include "conf/admin_path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static_assert(CONFIG_PATH_SIZE == sizeof(((struct sockaddr_un *)0)->sun_path), "what a socket may be called");

bool admin_path(enum admin_place place, const char *name, struct admin_path *out)
{
    const char *root = place == ADMIN_RUN ? "/run" : secure_getenv("XDG_RUNTIME_DIR");
    if (!root || root[0] != '/' || strlen(root) >= CONFIG_PATH_SIZE)
        return false;
    snprintf(out->base, CONFIG_PATH_SIZE, "%s/larshm", root);
    snprintf(out->directory, CONFIG_PATH_SIZE, "%s/larshm/%s", root, name);
    return snprintf(out->socket, CONFIG_PATH_SIZE, "%s/larshm/%s/admin.sock", root, name) < CONFIG_PATH_SIZE;
}
