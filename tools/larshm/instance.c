/* SPDX-License-Identifier: MIT */
#include "tools/larshm/instance.h"

#include <pwd.h>
#include <unistd.h>

struct trust instance_trust(mode_t unsafe_mode)
{
    struct trust trust = {.owners = {0, geteuid()}, .owner_count = 2, .unsafe_mode = unsafe_mode};
    const struct passwd *found = getpwnam("larshm");
    if (found)
        trust.owners[trust.owner_count++] = found->pw_uid;
    return trust;
}

enum shm_status instance_open(const char *name, struct instance *out)
{
    struct instance instance = {.name = name};
    struct trust trust = instance_trust(0022);
    enum shm_status status = object_names(name, &instance.names);
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

/* Mapped for this moment only: clients may write to the object, and truncate it. */
bool instance_lookups(const struct instance *instance, struct lookup_counts *out)
{
    struct region region = {0};
    struct control control;
    struct trust trust = instance_trust(0002);
    enum shm_status status = region_open(instance->names.control, false, &trust, HEADER_BYTES, &region);
    if (status == SHM_OK)
        status =
            control_attach(&region, control_shape(&instance->routes), instance->routes.generation, &control);
    if (status == SHM_OK)
        *out = control_lookups(&control);
    region_close(&region);
    return status == SHM_OK;
}
