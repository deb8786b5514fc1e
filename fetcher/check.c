/* SPDX-License-Identifier: MIT */
#include "fetcher/check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/complaint.h"
#include "conf/config.h"
#include "conf/scan.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_path.h"
#include "shm/trust.h"

struct check {
    struct config config;
    struct scan where; /* each key is set */
    struct complaints found;
};

static unsigned line_of(const struct check *check, const char *section, const char *name)
{
    return check->where.lines[keys_find(section, name, strlen(name)) - keys];
}

static void warn(const struct check *check, const char *text)
{
    fprintf(stderr, "%s: warning: %s\n", check->found.path, text);
}

/* Writes the part of the path before its last slash. */
static void folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%.*s", slash > path ? (int)(slash - path) : 1, path);
}

/* NULL: nothing, or what this user may not see. */
static const char *folder_fault(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? "is not there" : NULL;
    return S_ISDIR(st.st_mode) ? NULL : "is no folder";
}

static void check_group(struct check *check)
{
    const char *group = check->config.shm.group;
    const unsigned line = line_of(check, "shm", "group");
    char text[256];
    if (!*group || getgrnam(group))
        return;
    snprintf(
        text, sizeof(text),
        "no group \"%s\" on this machine, so only the fetcher's own group may request routes: add it, by "
        "systemd-sysusers or addgroup --system %s, or set [shm] group",
        group, group);
    if (line)
        complain(&check->found, line, "%s", text);
    else
        warn(check, text);
}

/* The fetcher makes this folder itself, where there is one for it. */
static void check_directory(struct check *check)
{
    const char *path = check->config.shm.directory;
    char parent[CONFIG_PATH_SIZE];
    if (!*path)
        return;
    const char *fault = folder_fault(path), *shown = path;
    if (fault && strcmp(fault, "is not there") == 0) {
        folder_of(path, parent, sizeof(parent));
        shown = parent;
        fault = folder_fault(parent);
    }
    if (fault)
        complain(
            &check->found, line_of(check, "shm", "directory"),
            "shm.directory is %s, and %s %s: make it a folder of the fetcher's user, mode 0755, on tmpfs",
            path, shown, fault);
}

/* Of a file that the fetcher makes. The default's folder may come with the service. */
static void check_file(struct check *check, const char *name, const char *path)
{
    char folder[SNAPSHOT_FILE_PATH_SIZE];
    const unsigned line = line_of(check, "fetcher", name);
    if (!line || !*path)
        return;
    folder_of(path, folder, sizeof(folder));
    const char *fault = folder_fault(folder);
    if (fault)
        complain(&check->found, line, "fetcher.%s is %s, and %s %s: make it a folder of the fetcher's user",
                 name, path, folder, fault);
}

/* Whose objects programs of this machine follow. Users may well come from elsewhere, as those of containers do. */
static void check_trust(struct check *check)
{
    struct trusted trusted = {0};
    char text[256];
    if (trusted_read(&trusted) != SHM_OK || trusted_look_again(&trusted, true) != SHM_OK)
        warn(check, "LARSHM_TRUST_UID, or " TRUST_FILE ", is no list of uids: see TRUST in larshm(7)");
    else if (trusted.count == 0)
        warn(check,
             "no user \"larshm\" and no " TRUST_FILE " on this machine, so programs follow only a fetcher "
             "of root or of their own user: see TRUST in larshm(7)");
    for (unsigned i = 0; i < trusted.count; i++)
        if (!getpwuid(trusted.list[i])) {
            snprintf(text, sizeof(text),
                     "uid %u, which programs trust, is no user of this machine: see TRUST in larshm(7)",
                     trusted.list[i]);
            warn(check, text);
        }
}

int check_config(const char *path, const char *instance)
{
    static struct check check;
    char snapshot[SNAPSHOT_FILE_PATH_SIZE], line[COMPLAINT_SIZE + SNAPSHOT_FILE_PATH_SIZE];
    if (config_load(path, &check.config, &check.where, &check.found) == 0) {
        snapshot_path_expand(check.config.fetcher.snapshot, instance, snapshot, sizeof(snapshot));
        check_group(&check);
        check_directory(&check);
        check_file(&check, "admin_socket", check.config.fetcher.admin_socket);
        check_file(&check, "snapshot", snapshot);
        check_trust(&check);
    }
    for (size_t i = 0; complaint_line(&check.found, i, line, sizeof(line)); i++)
        fprintf(stderr, "%s\n", line);
    if (check.found.count)
        return EXIT_FAILURE;
    puts("ok");
    return EXIT_SUCCESS;
}
