/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/keys.h"
#include "conf/log.h"
#include "fetcher/snapshot_file.h"

/* NULL: a snapshot can be in it. */
static const char *folder_fault(const char *folder, bool by_default)
{
    struct stat st;
    if (lstat(folder, &st) != 0)
        return errno == ENOENT ? "is not there" : "cannot be reached by the fetcher's user";
    if (by_default && (!S_ISDIR(st.st_mode) || st.st_uid != geteuid()))
        return "is no folder of the fetcher's user";
    if (by_default && st.st_mode & 0022)
        return "can be written to by other users";
    return access(folder, W_OK | X_OK) == 0 ? NULL : "cannot be written to by the fetcher's user";
}

void snapshot_path_expand(const char *configured, const char *instance, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *at = configured; *at && used < size; at++) {
        bool named = at[0] == '%' && at[1] == 'i';
        used +=
            (size_t)snprintf(out + used, size - used, "%.*s", named ? (int)size : 1, named ? instance : at);
        at += named;
    }
}

bool snapshot_path(const char *configured, const char *instance, char *out, size_t size)
{
    const struct key *key = keys_find("fetcher", "snapshot", strlen("snapshot"));
    const bool by_default = strcmp(configured, key->initial) == 0;
    char folder[SNAPSHOT_FILE_PATH_SIZE];
    snapshot_path_expand(configured, instance, out, size);
    if (!*out) {
        snprintf(out, size, "[fetcher] snapshot is empty");
        return false;
    }
    const char *slash = strrchr(out, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash > out ? (int)(slash - out) : 1, out);
    const char *fault = folder_fault(folder, by_default);
    if (!fault)
        return true;
    log_line(
        by_default ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
        "no snapshot: %s %s, so a reboot takes all routes; make it a folder of the fetcher's user, or name "
        "another file in [fetcher] snapshot",
        folder, fault);
    if (by_default)
        snprintf(out, size, "%s %s", folder, fault);
    return !by_default;
}
