/* SPDX-License-Identifier: MIT */
#include "tools/bench/private_instance.h"

#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/region.h"

void private_instance_name(const char *prefix, char out[static INSTANCE_MAX + 1])
{
    static unsigned number;
    snprintf(out, INSTANCE_MAX + 1, "%s-%ld-%u", prefix, (long)getpid(), number++);
}

struct writer_options private_instance_options(const char *instance, uint64_t max_bytes)
{
    return (struct writer_options){
        .instance = instance,
        .max_bytes = max_bytes,
        .max_unknown = 100,
        .group = "",
        .settings = {.update_timeout_s = 15,
                     .poll_interval_ms = 10,
                     .grace_ms = 2000,
                     .probe_num = 10,
                     .eject_probe_interval_ms = 1000,
                     .max_overload_timeout_s = 15},
    };
}

/* The routes object has the instance's name, all others a dot and more behind it. */
static void find(const struct object_names *names, glob_t *found)
{
    char pattern[DIRECTORY_PATH_MAX + OBJECT_NAME_MAX + 16];
    snprintf(pattern, sizeof(pattern), "%s%s", region_directory(), names->routes);
    glob(pattern, 0, NULL, found);
    snprintf(pattern, sizeof(pattern), "%s%s.*", region_directory(), names->routes);
    glob(pattern, GLOB_APPEND, NULL, found);
}

void private_instance_remove(const struct object_names *names)
{
    glob_t found = {0};
    find(names, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        unlink(found.gl_pathv[i]);
    globfree(&found);
}

unsigned private_instance_objects(const struct object_names *names)
{
    glob_t found = {0};
    find(names, &found);
    unsigned count = (unsigned)found.gl_pathc;
    globfree(&found);
    return count;
}

uint64_t private_instance_bytes(const struct object_names *names)
{
    glob_t found = {0};
    struct stat st;
    uint64_t blocks = 0;
    find(names, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (stat(found.gl_pathv[i], &st) == 0)
            blocks += (uint64_t)st.st_blocks;
    globfree(&found);
    return blocks * 512;
}
