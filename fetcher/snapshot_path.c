/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/keys.h"
#include "conf/values.h"

static bool folder_is_own(const char *path)
{
    char folder[CONFIG_PATH_SIZE];
    struct stat st;
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 0022) == 0;
}

void snapshot_path(const char *configured, const char *instance, char *out, size_t size)
{
    const struct key *key = keys_find("fetcher", "snapshot", strlen("snapshot"));
    size_t used = 0;
    out[0] = '\0';
    if (strcmp(configured, key->initial) == 0 && !folder_is_own(configured))
        return;
    for (const char *at = configured; *at && used < size; at++) {
        bool named = at[0] == '%' && at[1] == 'i';
        used +=
            (size_t)snprintf(out + used, size - used, "%.*s", named ? (int)size : 1, named ? instance : at);
        at += named;
    }
}
