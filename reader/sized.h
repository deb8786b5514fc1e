/* SPDX-License-Identifier: MIT */
/* Structs of larshm.h that grow: a program built with another version has fewer or more fields than this library. */
#ifndef READER_SIZED_H
#define READER_SIZED_H

#include <stddef.h>
#include <string.h>

#include "reader/include/larshm/larshm.h"

/* The structs of 0.1, the smallest that a caller can have. */
enum {
    VIEW_SIZE_MIN = offsetof(larshm_view, private_ref) + sizeof(uint64_t),
    INFO_SIZE_MIN = offsetof(larshm_route_info, reserved) + sizeof(uint8_t[3]),
    HOST_INFO_SIZE_MIN = offsetof(larshm_host_info, ejected_left_ms) + sizeof(uint64_t), /* of 0.2 */
};

/* Fills the caller's `size` bytes from the `known` ones: those that it has, and 0 in those that are not known here. */
static inline void fill_sized(void *out, size_t size, const void *in, size_t known)
{
    if (size < known) {
        memcpy(out, in, size);
        return;
    }
    memcpy(out, in, known);
    if (size > known)
        memset((char *)out + known, 0, size - known);
}

#endif
