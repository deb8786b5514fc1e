/* SPDX-License-Identifier: MIT */
/* How a store is opened, whatever it stores. */
#ifndef TOOLS_COMMON_STORE_MODE_H
#define TOOLS_COMMON_STORE_MODE_H

enum {
    STORE_ERROR_SIZE = 512,
};

enum store_mode {
    STORE_EXISTING, /* a missing database is an error */
    STORE_CREATE,   /* a missing database is made */
};

#endif
