/* SPDX-License-Identifier: MIT */
#include "fetcher/place.h"

#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/log.h"
#include "shm/region.h"

const char *place_group(const char *name)
{
    const struct group *group = *name ? getgrnam(name) : NULL;
    if (*name && !group)
        log_line(LOG_LEVEL_WARNING,
                 "no group \"%s\" on this machine: only the fetcher's own group may request routes; add the "
                 "group, or set [shm] group",
                 name);
    else if (group && geteuid() != 0 && getegid() != group->gr_gid && !group_member(group->gr_gid))
        log_line(LOG_LEVEL_WARNING,
                 "the fetcher is not a member of group \"%s\": only its own group may request routes; add it "
                 "to the group, or set [shm] group",
                 name);
    else
        return name;
    return "";
}

int place_directory(const char *configured)
{
    const char *path = directory_or_default(configured);
    struct stat st;
    struct statfs system;
    if (!path) {
        log_line(LOG_LEVEL_ERROR, "LARSHM_DIRECTORY is no absolute path of at most %d characters",
                 DIRECTORY_PATH_MAX - 1);
        return EX_CONFIG;
    }
    if (mkdir(path, 0755) == 0) {
        if (chmod(path, 0755) != 0) /* whatever the umask made of it */
            log_line(LOG_LEVEL_WARNING, "cannot set the mode of %s to 0755: %s", path, strerror(errno));
        log_line(LOG_LEVEL_INFO, "created directory %s", path);
    } else if (errno != EEXIST || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        log_line(
            LOG_LEVEL_ERROR,
            "no directory %s for the objects, and it cannot be created: %s; create it with mode 0755, owned by the "
            "fetcher's user",
            path, strerror(errno));
        return EXIT_FAILURE;
    }
    if (statfs(path, &system) == 0 && system.f_type != TMPFS_MAGIC)
        log_line(
            LOG_LEVEL_WARNING,
            "%s is not on tmpfs: what programs keep of objects that were replaced is not counted, nor bounded",
            path);
    region_set_directory(path);
    return 0;
}
