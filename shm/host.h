/* SPDX-License-Identifier: MIT */
/* A host as answers bring it and tables hold it: between the decoder and shared memory. */
#ifndef SHM_HOST_H
#define SHM_HOST_H

#include <stdint.h>

struct host {
    uint32_t address; /* IPv4, network byte order */
    uint16_t port;    /* network byte order */
};

#endif
