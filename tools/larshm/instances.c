/* SPDX-License-Identifier: MIT */
#include "tools/larshm/instances.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/region.h"
#include "shm/trust.h"
#include "tools/larshm/instance.h"

/* The instance whose routes object has that name, or NULL. */
static const char *instance_of(const char *file)
{
    static const char prefix[] = "larshm.";
    struct object_names names;
    const char *instance = file + sizeof(prefix) - 1;
    return strncmp(file, prefix, sizeof(prefix) - 1) == 0 && object_names(instance, &names) == SHM_OK
               ? instance
               : NULL;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(left, right);
}

int instances_list(char (**names)[INSTANCE_MAX + 1])
{
    const struct trust trust = instance_trust(0);
    char(*found)[INSTANCE_MAX + 1] = calloc(INSTANCES_MAX, sizeof(*found));
    DIR *directory = found ? opendir(region_directory()) : NULL;
    int count = 0;
    if (!directory) {
        free(found);
        return -1;
    }
    for (const struct dirent *entry; count < INSTANCES_MAX && (entry = readdir(directory)) != NULL;) {
        struct stat st;
        const char *instance = instance_of(entry->d_name);
        if (instance && fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && trust_includes(&trust, st.st_uid))
            snprintf(found[count++], sizeof(*found), "%s", instance);
    }
    closedir(directory);
    qsort(found, (size_t)count, sizeof(*found), by_name);
    *names = found;
    return count;
}
