/* SPDX-License-Identifier: MIT */
#include "tools/bench/library.h"

#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct library own_library = {
    .open = larshm_open,
    .close = larshm_close,
    .get_host = larshm_get_host,
    .get_host_batch = larshm_get_host_batch,
    .route_begin = larshm_route_begin_sized,
    .route_end = larshm_route_end,
    .route_open = larshm_route_open,
    .route_pick = larshm_route_pick,
    .report = larshm_report,
    .info = larshm_info_sized,
    .fetcher = "larshm-fetcher",
};

/*
 * Deep binding: where a function of the library calls another one, that is not ours of the same name. Sanitizers refuse
 * it, and are no place to measure.
 */
#if defined(RTLD_DEEPBIND) && !defined(BENCH_SANITIZED)
enum {
    DEEPBIND = RTLD_DEEPBIND
};
#else
enum {
    DEEPBIND = 0
};
#endif

/* A pointer to data becomes a pointer to a function, which ISO C does not let a cast do. */
static bool find(void *library, const char *path, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    if (!found)
        warnx("%s has no function %s: name a liblarshm.so of 0.2 or later", path, name);
    return found != NULL;
}

/* In the bin beside lib, or, as it may be installed, beside that of lib/ARCHITECTURE. */
static bool find_fetcher(const char *path, char out[static LIBRARY_PATH])
{
    static const char *const places[] = {"../bin", "../../bin"};
    char *real = realpath(path, NULL);
    bool found = false;
    if (real)
        *strrchr(real, '/') = '\0';
    for (size_t i = 0; real && !found && i < sizeof(places) / sizeof(*places); i++) {
        int size = snprintf(out, LIBRARY_PATH, "%s/%s/larshm-fetcher", real, places[i]);
        found = size < LIBRARY_PATH && access(out, X_OK) == 0;
    }
    free(real);
    if (!found)
        warnx("%s: no larshm-fetcher in the bin beside it: name the library of a whole build", path);
    return found;
}

bool library_load(const char *path, struct library *out)
{
    char *real = realpath(path, NULL); /* dlopen() searches for names without a slash */
    void *library = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL | DEEPBIND) : NULL;
    *out = (struct library){.open = NULL};
    if (!real)
        warn("%s", path);
    else if (!library)
        warnx("%s", dlerror());
    free(real);
    return library && find(library, path, "larshm_open", &out->open) &&
           find(library, path, "larshm_close", &out->close) &&
           find(library, path, "larshm_get_host", &out->get_host) &&
           find(library, path, "larshm_get_host_batch", &out->get_host_batch) &&
           find(library, path, "larshm_route_begin_sized", &out->route_begin) &&
           find(library, path, "larshm_route_end", &out->route_end) &&
           find(library, path, "larshm_route_open", &out->route_open) &&
           find(library, path, "larshm_route_pick", &out->route_pick) &&
           find(library, path, "larshm_report", &out->report) &&
           find(library, path, "larshm_info_sized", &out->info) && find_fetcher(path, out->fetcher);
}
