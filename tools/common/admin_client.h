/* SPDX-License-Identifier: MIT */
/* Connects to a program's admin socket, see conf/admin_path.h. */
#ifndef TOOLS_COMMON_ADMIN_CLIENT_H
#define TOOLS_COMMON_ADMIN_CLIENT_H

#include "conf/admin_path.h"

enum {
    ADMIN_TRIED_SIZE = ADMIN_PLACES * (CONFIG_PATH_SIZE + sizeof(" or "))
};

/*
 * To the path `named`, or, where that is NULL or "", to the default place of the program `name`. Returns a descriptor, on
 * which each call ends with EAGAIN after `timeout_s`, or a negative errno. `tried` are the paths, for people.
 */
int admin_client_connect(const char *named, const char *name, unsigned timeout_s,
                         char tried[static ADMIN_TRIED_SIZE]);

#endif
