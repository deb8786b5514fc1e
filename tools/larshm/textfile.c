/* SPDX-License-Identifier: MIT */
#include "tools/larshm/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* What is no file, as /dev/stdout, is needed as it is. */
static bool may_replace(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
        return true;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
    return false;
}

bool textfile_write(const char *path, const char *text, size_t length)
{
    char *temporary;
    if (!may_replace(path) || asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return false;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        free(temporary);
        return false;
    }
    bool done = write_all(fd, text, length) && fchmod(fd, 0644) == 0;
    done = close(fd) == 0 && done && rename(temporary, path) == 0;
    if (!done) {
        int error = errno;
        unlink(temporary);
        errno = error;
    }
    free(temporary);
    return done;
}
