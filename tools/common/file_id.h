/* SPDX-License-Identifier: MIT */
/* Which file a name is of: a name that is given to another file has another id. */
#ifndef TOOLS_COMMON_FILE_ID_H
#define TOOLS_COMMON_FILE_ID_H

#include <stdbool.h>
#include <sys/types.h>

/* All zero: no file. */
struct file_id {
    dev_t device;
    ino_t inode;
};

/* Follows links. */
struct file_id file_id(const char *path);

bool file_id_same(struct file_id a, struct file_id b);
bool file_id_is_none(struct file_id id);

#endif
