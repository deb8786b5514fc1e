/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "reader/change_fd.h"
#include "reader/fork.h"
#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/state.h"
#include "reader/thread.h"
#include "reader/uncancelled.h"
#include "shm/clock.h"

static _Atomic uint64_t handles;

static int open_at_place(larshm *h, struct mapping **out)
{
    struct place_visit visit;
    int code = (int)place_begin(&h->place);
    if (code != LARSHM_OK)
        return code;
    code = (int)place_enter_first(&h->place, h->names.routes, &visit);
    if (code == LARSHM_OK)
        code = mapping_open(&h->names, visit.directory, &visit.trust, out);
    if (code != LARSHM_OK) {
        int saved = errno;
        place_end(&h->place);
        errno = saved;
    }
    return code;
}

static int open_handle(larshm **out, const char *instance)
{
    larshm *h = calloc(1, sizeof(*h));
    struct mapping *mapping = NULL;
    int code = h ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
    if (code == LARSHM_OK)
        code = (int)object_names(instance_or_default(instance), &h->names);
    if (code == LARSHM_OK)
        code = fork_ready();
    if (code == LARSHM_OK)
        code = open_at_place(h, &mapping);
    if (code != LARSHM_OK) {
        free(h);
        return code;
    }
    clock_tick(); /* learns this process's shift: it may lose sight of /proc later */
    store_relaxed(&h->current, mapping);
    h->serial = add_relaxed(&handles, 1) + 1;
    h->fast_serial = rcu_without_fences() ? h->serial : UINT64_MAX;
    *out = h;
    return LARSHM_OK;
}

int larshm_open(larshm **out, const char *instance)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    int code = open_handle(out, instance);
    pthread_setcancelstate(state, NULL);
    return code;
}

void larshm_close(larshm *h)
{
    if (!h)
        return;
    struct uncancelled before = uncancelled_begin();
    change_fd_close(h);
    struct mapping *current = load_acquire(&h->current);
    if (thread_state.serial == h->serial)
        lookup_flush(current);
    mapping_close(current);
    struct mapping *retired = load_acquire(&h->retired);
    while (retired) {
        struct mapping *next = retired->next;
        mapping_close(retired);
        retired = next;
    }
    place_end(&h->place);
    free(h);
    uncancelled_end(before);
}
