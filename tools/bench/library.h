/* SPDX-License-Identifier: MIT */
/* A liblarshm.so by its functions: the one that this program is linked with, and another one beside it. */
#ifndef TOOLS_BENCH_LIBRARY_H
#define TOOLS_BENCH_LIBRARY_H

#include <larshm/larshm.h>
#include <stdbool.h>

enum {
    LIBRARY_PATH = 256,
};

struct library {
    int (*open)(larshm **out, const char *instance);
    void (*close)(larshm *handle);
    int (*get_host)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_host *host);
    size_t (*get_host_batch)(larshm *handle, larshm_host *hosts, int *codes, size_t count);
    int (*route_begin)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_view *view, size_t size);
    int (*route_end)(larshm *handle, larshm_view *view);
    int (*route_open)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_route *route);
    int (*route_pick)(larshm_route *route, larshm_host *host);
    int (*report)(larshm *handle, const larshm_host *host, int retcode);
    int (*info)(larshm *handle, uint32_t modid, uint32_t cmdid, larshm_route_info *info, size_t size);
    char fetcher[LIBRARY_PATH]; /* that writes what the library reads: a name for program_start() */
};

extern const struct library own_library;

/* Loads the library and finds the fetcher of its build or installation. False: said on stderr. It stays loaded. */
bool library_load(const char *path, struct library *out);

#endif
