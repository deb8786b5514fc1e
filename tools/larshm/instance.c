/* SPDX-License-Identifier: MIT */
#include "tools/larshm/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum shm_status instance_names(const char *name, struct object_names *out)
{
    return directory_or_default(NULL) ? object_names(name, out) : SHM_BAD_ARGUMENT;
}

enum shm_status instance_trusted(struct trusted *trusted, struct trust *out)
{
    struct stat directory;
    bool named = strcmp(region_directory(), SHM_DIRECTORY) != 0;
    enum shm_status status = trusted_read(trusted);
    if (status == SHM_OK)
        status = trusted_look_again(trusted, true);
    if (status == SHM_OK && stat(region_directory(), &directory) != 0)
        status = SHM_NO_OBJECT;
    return status == SHM_OK ? trusted_in(trusted, &directory, named, out) : status;
}

struct trust instance_trust(mode_t unsafe_mode)
{
    struct trusted trusted;
    struct trust trust = {0};
    instance_trusted(&trusted, &trust);
    trust.unsafe_mode = unsafe_mode;
    return trust;
}

enum shm_status instance_open(const char *name, struct instance *out)
{
    struct instance instance = {.name = name};
    struct trust trust = instance_trust(0022);
    enum shm_status status = instance_names(name, &instance.names);
    if (status == SHM_OK)
        status = region_open(instance.names.routes, false, &trust, HEADER_BYTES, &instance.region);
    if (status == SHM_OK)
        status = routes_attach(&instance.region, &instance.routes);
    if (status == SHM_OK)
        *out = instance;
    else
        instance_close(&instance);
    return status;
}

void instance_close(struct instance *instance)
{
    region_close(&instance->region);
}

bool instance_renamed(const struct instance *instance)
{
    return !region_is_named(&instance->region, instance->names.routes);
}

bool instance_may_request(const struct instance *instance)
{
    char path[DIRECTORY_PATH_MAX + OBJECT_NAME_MAX];
    snprintf(path, sizeof(path), "%s%s", region_directory(), instance->names.control);
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 || (errno != EACCES && errno != EROFS);
}

/* Mapped for this moment only: clients may write to the object, and truncate it. */
bool instance_lookups(const struct instance *instance, struct lookup_counts *out)
{
    struct region region = {0};
    struct control control;
    struct trust trust = instance_trust(0002);
    enum shm_status status = region_open(instance->names.control, false, &trust, HEADER_BYTES, &region);
    if (status == SHM_OK)
        status = control_attach(&region, control_shape(&instance->routes),
                                control_number(instance->routes.s_header), &control);
    if (status == SHM_OK)
        *out = control_lookups(&control);
    region_close(&region);
    return status == SHM_OK;
}

uint64_t instance_control_bytes(const struct instance *instance)
{
    char path[DIRECTORY_PATH_MAX + OBJECT_NAME_MAX];
    struct stat st;
    snprintf(path, sizeof(path), "%s%s", region_directory(), instance->names.control);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}
