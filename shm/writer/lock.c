/* SPDX-License-Identifier: MIT */
#include "shm/writer/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum shm_status lock_take(const char *name, int *fd, pid_t *holder)
{
    int lock = region_descriptor(name, O_RDWR | O_CREAT, 0600);
    if (lock < 0)
        return errno == EACCES || errno == ELOOP ? SHM_FOREIGN : SHM_SYSTEM_ERROR;

    struct stat st;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    enum shm_status status = SHM_OK;
    if (fstat(lock, &st) != 0) {
        status = SHM_SYSTEM_ERROR;
    } else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        status = SHM_FOREIGN;
    } else if (st.st_mode & 0077) {
        status = SHM_UNSAFE;
    } else if (fchmod(lock, 0600) != 0) { /* whatever the umask made of it */
        status = SHM_SYSTEM_ERROR;
    } else if (fcntl(lock, F_SETLK, &whole) != 0) {
        status = errno == EACCES || errno == EAGAIN ? SHM_RUNNING : SHM_SYSTEM_ERROR;
        struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        *holder = fcntl(lock, F_GETLK, &other) == 0 && other.l_type != F_UNLCK ? other.l_pid : 0;
    }
    if (status == SHM_OK)
        *fd = lock;
    else
        close(lock);
    return status;
}

bool lock_is_named(int fd, const char *name)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    const struct region locked = {.device = st.st_dev, .inode = st.st_ino};
    return region_is_named(&locked, name);
}
