/* SPDX-License-Identifier: MIT */
#include "tools/bench/site.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool site_open(struct site *site)
{
    const char *parent = getenv("TMPDIR");
    *site = (struct site){0};
    int size = snprintf(site->home, sizeof(site->home), "%s/larshm-bench-XXXXXX",
                        parent && *parent ? parent : "/tmp");
    if (size < (int)sizeof(site->home) && mkdtemp(site->home))
        return true;
    warn("cannot make a directory in $TMPDIR, or /tmp");
    site->home[0] = '\0';
    return false;
}

void site_close(struct site *site)
{
    DIR *directory = site->home[0] ? opendir(site->home) : NULL;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    if (site->home[0])
        rmdir(site->home);
    site->home[0] = '\0';
}

void site_path(const struct site *site, const char *file, char out[static SITE_PATH])
{
    snprintf(out, SITE_PATH, "%s/%.64s", site->home, file);
}
