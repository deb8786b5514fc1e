/* SPDX-License-Identifier: MIT */
#include "tools/common/file_id.h"

#include <sys/stat.h>

struct file_id file_id(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct file_id){0};
    return (struct file_id){st.st_dev, st.st_ino};
}

bool file_id_same(struct file_id a, struct file_id b)
{
    return a.device == b.device && a.inode == b.inode;
}

bool file_id_is_none(struct file_id id)
{
    return id.device == 0 && id.inode == 0;
}
