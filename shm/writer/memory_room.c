/* SPDX-License-Identifier: MIT */
#include "shm/writer/memory_room.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_BYTES = 4096, /* the rest of a longer line is read as the next one */
    LINES_MAX = 4096,
    MARGIN_BYTES = 4 << 20, /* for the heap of a fetcher that has just started */
    MARGIN_SHARE = 16,      /* and a sixteenth of the objects, for their page tables */
};

struct version {
    const char *type, *option; /* of the mount */
    const char *limit, *usage, *reclaimable;
};

static const struct version versions[] = {
    {"cgroup2", "", "memory.max", "memory.current", "inactive_file "},
    {"cgroup", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
};

static FILE *open_file(const char *root, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s%s%s", root, directory, name);
    return length > 0 && (size_t)length < sizeof(path) ? fopen(path, "re") : NULL;
}

/* The number at the beginning of the file, or behind `key` at the beginning of a line. False: there is none, as in
 * "max". */
static bool read_number(const char *root, const char *directory, const char *name, const char *key,
                        uint64_t *out)
{
    char line[LINE_BYTES], file_name[64];
    bool found = false;
    snprintf(file_name, sizeof(file_name), "/%s", name);
    FILE *file = open_file(root, directory, file_name);
    for (int i = 0; file && !found && i < LINES_MAX && fgets(line, sizeof(line), file); i++)
        found = strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), "%19" SCNu64, out) == 1;
    if (file)
        fclose(file);
    return found;
}

static uint64_t room_of(const char *root, const char *directory, const struct version *version)
{
    uint64_t limit, usage, reclaimable = 0;
    if (!read_number(root, directory, version->limit, "", &limit) ||
        !read_number(root, directory, version->usage, "", &usage))
        return UINT64_MAX;
    read_number(root, directory, "memory.stat", version->reclaimable, &reclaimable);
    usage -= reclaimable < usage ? reclaimable : usage;
    return limit > usage ? limit - usage : 0;
}

static bool has_option(const char *options, const char *option)
{
    size_t length = strlen(option);
    for (const char *at = options; length && (at = strstr(at, option)); at += length)
        if ((at == options || at[-1] == ',') && strchr(",", at[length]))
            return true;
    return length == 0;
}

/* The process's group, as /proc/self/cgroup names it: "4:memory:/path", of version 2 "0::/path". */
static bool read_group(const char *root, const struct version *version, char out[static LINE_BYTES])
{
    char line[LINE_BYTES];
    bool found = false;
    FILE *file = open_file(root, "/proc/self", "/cgroup");
    for (int i = 0; file && !found && i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path || path[1] != '/')
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        found = *version->option ? has_option(controllers + 1, version->option) : controllers[1] == '\0';
        if (found)
            memcpy(out, path, strlen(path) + 1);
    }
    if (file)
        fclose(file);
    return found;
}

/* From the group up to the mount point. `below` is the group's path below it: "" or "/a/b". */
static uint64_t least_room(const char *root, const char *point, const char *below,
                           const struct version *version)
{
    char directory[PATH_MAX];
    uint64_t least = UINT64_MAX;
    size_t end = strlen(point);
    if (end + strlen(below) >= sizeof(directory))
        return least;
    snprintf(directory, sizeof(directory), "%s%s", point, below);
    for (;;) {
        uint64_t room = room_of(root, directory, version);
        if (room < least)
            least = room;
        char *slash = strrchr(directory, '/');
        if (strlen(directory) <= end || !slash)
            return least;
        *slash = '\0';
    }
}

/* What of the group's path lies below the mount point: without a namespace of its own a container sees the host's
 * path. */
static const char *below_mount(const char *group, const char *mounted)
{
    size_t length = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    bool inside = strncmp(group, mounted, length) == 0 && (group[length] == '/' || group[length] == '\0');
    return inside && !strstr(group, "/..") && strcmp(group + length, "/") != 0 ? group + length : "";
}

/* A line of mountinfo(5): "36 35 98:0 MOUNTED POINT rw,noatime master:1 - TYPE source OPTIONS". */
static uint64_t room_of_mount(const char *root, const char *line)
{
    char mounted[LINE_BYTES], point[LINE_BYTES], type[64], options[LINE_BYTES], group[LINE_BYTES];
    const char *end = strstr(line, " - ");
    if (!end || sscanf(line, "%*s %*s %*s %4095s %4095s", mounted, point) != 2 ||
        sscanf(end + 3, "%63s %*s %4095s", type, options) != 2)
        return UINT64_MAX;
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
        if (strcmp(type, versions[i].type) == 0 && has_option(options, versions[i].option) &&
            read_group(root, &versions[i], group))
            return least_room(root, point, below_mount(group, mounted), &versions[i]);
    return UINT64_MAX;
}

uint64_t memory_room(const char *root)
{
    char line[LINE_BYTES];
    uint64_t least = UINT64_MAX;
    FILE *file = open_file(root, "/proc/self", "/mountinfo");
    for (int i = 0; file && i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
        uint64_t room = room_of_mount(root, line);
        if (room < least)
            least = room;
    }
    if (file)
        fclose(file);
    return least;
}

bool memory_has_room(uint64_t room, uint64_t bytes)
{
    return room >= MARGIN_BYTES && room - MARGIN_BYTES >= bytes + bytes / MARGIN_SHARE;
}
