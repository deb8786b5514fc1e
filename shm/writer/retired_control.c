/* SPDX-License-Identifier: MIT */
#include "shm/writer/retired_control.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RETIRED_NAME_MAX = OBJECT_NAME_MAX + 21 /* a dot and a number */
};

static void name_of(const struct object_names *names, uint64_t generation, char out[static RETIRED_NAME_MAX])
{
    snprintf(out, RETIRED_NAME_MAX, "%s.%" PRIu64, names->control, generation);
}

void retired_control_keep(const struct object_names *names, uint64_t generation)
{
    char name[RETIRED_NAME_MAX];
    name_of(names, generation, name);
    region_link(names->control, name);
}

void retired_control_remove(const struct object_names *names, uint64_t generation)
{
    char name[RETIRED_NAME_MAX];
    name_of(names, generation, name);
    region_unlink(name);
}

enum shm_status retired_control_open(const struct object_names *names, uint64_t generation,
                                     struct region *out)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0002};
    char name[RETIRED_NAME_MAX];
    name_of(names, generation, name);
    return region_open(name, true, &self, 1, out);
}

/* Keeps the newest `cap`, sorted; returns the one that was dropped, 0 if none was. */
static uint64_t insert(uint64_t *generations, size_t *count, size_t cap, uint64_t generation)
{
    size_t at = *count;
    while (at > 0 && generations[at - 1] < generation)
        at--;
    uint64_t gone = *count < cap ? 0 : at == cap ? generation : generations[cap - 1];
    if (at == cap)
        return gone;
    size_t last = *count < cap ? *count : cap - 1;
    memmove(&generations[at + 1], &generations[at], (last - at) * sizeof(*generations));
    generations[at] = generation;
    *count += *count < cap;
    return gone;
}

size_t retired_control_list(const struct object_names *names, uint64_t *generations, size_t cap)
{
    const char *control = names->control + 1; /* without the slash */
    size_t length = strlen(control), count = 0;
    DIR *directory = opendir(region_directory());
    if (!directory)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char name[RETIRED_NAME_MAX];
        struct stat st;
        if (strncmp(entry->d_name, control, length) != 0 || entry->d_name[length] != '.')
            continue;
        uint64_t generation = strtoull(entry->d_name + length + 1, NULL, 10);
        name_of(names, generation, name);
        /* Another user's file neither counts nor goes: it would push out what this user's fetchers have left (G11). */
        if (generation == 0 || strcmp(entry->d_name, name + 1) != 0 ||
            fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
            st.st_uid != geteuid())
            continue;
        uint64_t gone = insert(generations, &count, cap, generation);
        if (gone)
            retired_control_remove(names, gone);
    }
    closedir(directory);
    return count;
}
