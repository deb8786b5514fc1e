/* SPDX-License-Identifier: MIT */
/* A liblarshm.so by its functions. */
#ifndef TOOLS_BENCH_LIBRARY_H
#define TOOLS_BENCH_LIBRARY_H

#include <larshm/larshm.h>
#include <stddef.h>

struct library {
    int (*open)(larshm **out, const char *instance);
    void (*close)(larshm *handle);
    int (*get_host)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_host *host);
    size_t (*get_host_batch)(larshm *handle, larshm_host *hosts, int *codes, size_t count);
    int (*route_begin)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_view *view, size_t size);
    int (*route_end)(larshm *handle, larshm_view *view);
    int (*report)(larshm *handle, const larshm_host *host, int retcode);
    int (*info)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_route_info *info, size_t size);
};

extern const struct library own_library; /* that this program is linked with */

#endif
