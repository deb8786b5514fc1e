/* SPDX-License-Identifier: MIT */
#include "shm/writer/retired_control.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/layout.h"

enum {
    RETIRED_NAME_MAX = OBJECT_NAME_MAX + 30, /* a dot and a number, a dot and the random part */
    KEEP_TRIES = 4,
};

static void path_of(const struct object_names *names, struct retired_name name,
                    char out[static RETIRED_NAME_MAX])
{
    if (name.salt)
        snprintf(out, RETIRED_NAME_MAX, "%s.%" PRIu64 ".%08" PRIx32, names->control, name.number, name.salt);
    else
        snprintf(out, RETIRED_NAME_MAX, "%s.%" PRIu64, names->control, name.number);
}

enum shm_status retired_control_keep(const struct object_names *names, uint64_t number,
                                     struct retired_name *out)
{
    enum shm_status status = SHM_SYSTEM_ERROR;
    struct retired_name name = {.number = number};
    *out = (struct retired_name){0};
    for (int tries = 0; tries < KEEP_TRIES && status != SHM_OK; tries++) {
        char path[RETIRED_NAME_MAX];
        path_of(names, name, path);
        status = region_link(names->control, path);
        if (status == SHM_OK)
            *out = name;
        else if (getrandom(&name.salt, sizeof(name.salt), GRND_NONBLOCK) != sizeof(name.salt))
            break;
    }
    return status;
}

void retired_control_remove(const struct object_names *names, struct retired_name name)
{
    char path[RETIRED_NAME_MAX];
    path_of(names, name, path);
    if (name.number)
        region_unlink(path);
}

enum shm_status retired_control_open(const struct object_names *names, struct retired_name name,
                                     struct region *out)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0002};
    char path[RETIRED_NAME_MAX];
    path_of(names, name, path);
    return region_open(path, true, &self, 1, out);
}

/* Keeps the newest `cap`, newest first; returns the one that was dropped, number 0 if none was. */
static struct retired_name insert(struct retired_name *kept, size_t *count, size_t cap,
                                  struct retired_name name)
{
    const struct retired_name none = {0};
    size_t at = *count;
    while (at > 0 && kept[at - 1].number < name.number)
        at--;
    struct retired_name gone = *count < cap ? none : at == cap ? name : kept[cap - 1];
    if (at == cap)
        return gone;
    size_t last = *count < cap ? *count : cap - 1;
    memmove(&kept[at + 1], &kept[at], (last - at) * sizeof(*kept));
    kept[at] = name;
    *count += *count < cap;
    return gone;
}

/* False: the entry is called otherwise. */
static bool parse(const struct object_names *names, const char *entry, struct retired_name *out)
{
    const char *control = names->control + 1; /* without the slash */
    size_t length = strlen(control);
    char path[RETIRED_NAME_MAX], *end;
    if (strncmp(entry, control, length) != 0 || entry[length] != '.')
        return false;
    out->number = strtoull(entry + length + 1, &end, 10);
    out->salt = *end == '.' ? (uint32_t)strtoul(end + 1, NULL, 16) : 0;
    path_of(names, *out, path);
    return out->number != 0 && strcmp(entry, path + 1) == 0;
}

/* Whether the object has this number: its header says it at the same place in every layout. */
static bool has_number(int directory, const char *entry, uint64_t number)
{
    struct object_id id = {0};
    int fd = openat(directory, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool read = pread(fd, &id, sizeof(id), 0) == sizeof(id);
    close(fd);
    return read && id.magic == CONTROL_MAGIC && id.generation == number;
}

static bool is_listed(const struct retired_name *kept, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (kept[i].number == number)
            return true;
    return false;
}

size_t retired_control_list(const struct object_names *names, struct retired_name *out, size_t cap)
{
    size_t count = 0;
    DIR *directory = opendir(region_directory());
    if (!directory)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        struct retired_name name;
        struct stat st;
        /* Another user's file neither counts nor goes: it would push out what this user's fetchers have left (G11). */
        if (!parse(names, entry->d_name, &name) ||
            fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
            st.st_uid != geteuid())
            continue;
        /* Only the object's own name counts, and only one: not a link to another object of this user's. */
        bool own =
            has_number(dirfd(directory), entry->d_name, name.number) && !is_listed(out, count, name.number);
        retired_control_remove(names, own ? insert(out, &count, cap, name) : name);
    }
    closedir(directory);
    return count;
}
