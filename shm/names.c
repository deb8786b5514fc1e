/* SPDX-License-Identifier: MIT */
#include "shm/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *instance_or_default(const char *given)
{
    const char *name = given ? given : getenv("LARSHM_INSTANCE");
    return name ? name : "default";
}

const char *directory_or_default(const char *given)
{
    const char *path = given && *given ? given : secure_getenv("LARSHM_DIRECTORY");
    if (!path || !*path)
        return SHM_DIRECTORY;
    return path[0] == '/' && strnlen(path, DIRECTORY_PATH_MAX) < DIRECTORY_PATH_MAX ? path : NULL;
}

enum shm_status object_names(const char *instance, struct object_names *out)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strnlen(instance, INSTANCE_MAX + 1);
    if (length == 0 || length > INSTANCE_MAX || strspn(instance, allowed) != length)
        return SHM_BAD_ARGUMENT;
    snprintf(out->routes, OBJECT_NAME_MAX, "/larshm.%s", instance);
    snprintf(out->control, OBJECT_NAME_MAX, "/larshm.%s.control", instance);
    snprintf(out->hosts, OBJECT_NAME_MAX, "/larshm.%s.hosts", instance);
    snprintf(out->lock, OBJECT_NAME_MAX, "/larshm.%s.lock", instance);
    snprintf(out->next_routes, OBJECT_NAME_MAX, "/larshm.%s.next", instance);
    snprintf(out->next_control, OBJECT_NAME_MAX, "/larshm.%s.control.next", instance);
    snprintf(out->next_hosts, OBJECT_NAME_MAX, "/larshm.%s.hosts.next", instance);
    snprintf(out->other_routes, OBJECT_NAME_MAX, "/larshm.%s.other", instance);
    snprintf(out->other_hosts, OBJECT_NAME_MAX, "/larshm.%s.hosts.other", instance);
    return SHM_OK;
}
