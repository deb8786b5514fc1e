/* SPDX-License-Identifier: MIT */
#include "reader/mapping.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "reader/rcu.h"
#include "reader/thread.h"
#include "shm/atomic.h"

enum {
    OPEN_TRIES = 50, /* a hand-over replaces two names, microseconds apart */
    OPEN_PAUSE_US = 200,
};

static enum shm_status open_routes(const struct object_names *names, int directory, struct trust trust,
                                   struct mapping *mapping)
{
    trust.unsafe_mode = 0022;
    enum shm_status status =
        region_open_at(directory, names->routes, false, &trust, HEADER_BYTES, &mapping->routes_region);
    return status == SHM_OK ? routes_attach(&mapping->routes_region, &mapping->routes) : status;
}

static enum shm_status open_control(const struct object_names *names, int directory, struct trust trust,
                                    struct mapping *mapping)
{
    trust.unsafe_mode = 0002;
    enum shm_status status =
        region_open_at(directory, names->control, true, &trust, HEADER_BYTES, &mapping->control_region);
    if (status == SHM_OK)
        status = control_attach(&mapping->control_region, control_shape(&mapping->routes),
                                mapping->routes.generation, &mapping->control);
    if (status != SHM_OK)
        region_close(&mapping->control_region);
    return status;
}

int mapping_open(const struct object_names *names, int directory, const struct trust *trust,
                 struct mapping **out)
{
    struct mapping *mapping = aligned_alloc(CACHE_LINE, sizeof(*mapping));
    if (!mapping)
        return LARSHM_SYSTEM_ERROR;
    *mapping = (struct mapping){0};
    enum shm_status status = open_routes(names, directory, *trust, mapping);
    /* Control of another generation under the name: a hand-over, or a fetcher that died in one. */
    enum shm_status control = SHM_NO_OBJECT;
    for (int i = 0; status == SHM_OK && i < OPEN_TRIES; i++) {
        control = open_control(names, directory, *trust, mapping);
        if (control != SHM_NO_OBJECT || load_acquire(&mapping->routes.s_header->superseded))
            break;
        usleep(OPEN_PAUSE_US);
    }
    mapping->can_demand = control == SHM_OK;
    mapping->may_not_demand = control == SHM_NO_PERMISSION || control == SHM_FOREIGN || control == SHM_UNSAFE;
    /* The system lacks a resource just now. To go on without control would last as long as the generation. */
    if (status == SHM_OK && control == SHM_SYSTEM_ERROR)
        status = control;
    if (status == SHM_OK)
        *out = mapping;
    else
        mapping_close(mapping);
    return (int)status;
}

void mapping_close(struct mapping *mapping)
{
    if (!mapping)
        return;
    region_close(&mapping->routes_region);
    region_close(&mapping->control_region);
    free(mapping);
}

void mapping_pin(struct mapping *mapping)
{
    add_relaxed(&mapping->pins[thread_number() % PIN_CELLS].count, 1);
}

static int64_t pins(struct mapping *mapping)
{
    /* Once retired and after a grace period, pins only go away, so a sum of 0 is final: a cell that was read early
     * can only have shrunk. Acquire pairs with the release in mapping_unpin(): what the last user read from the
     * mapping, it has read before the unmap. */
    int64_t sum = 0;
    for (int i = 0; i < PIN_CELLS; i++)
        sum += load_acquire(&mapping->pins[i].count);
    return sum;
}

/* Guards larshm.retired, of all handles. Taken by the thread that replaced a mapping, and tried by those that unpin
 * one; never while a read section is waited for. */
static pthread_mutex_t retired_lock = PTHREAD_MUTEX_INITIALIZER;

void mapping_freeze(void)
{
    pthread_mutex_lock(&retired_lock);
}

void mapping_thaw(void)
{
    pthread_mutex_unlock(&retired_lock);
}

/* Unmaps retired mappings without pins. Under retired_lock. */
static void reap(larshm *h)
{
    for (struct mapping **at = &h->retired; *at;) {
        struct mapping *mapping = *at;
        if (pins(mapping) == 0) {
            *at = mapping->next;
            mapping_close(mapping);
        } else {
            at = &mapping->next;
        }
    }
    store_relaxed(&h->left, h->retired != NULL);
}

/* No thread waits here for another, which may have lost its processor. */
void mapping_tidy(larshm *h)
{
    if (load_relaxed(&h->left) && pthread_mutex_trylock(&retired_lock) == 0) {
        reap(h);
        pthread_mutex_unlock(&retired_lock);
    }
}

void mapping_unpin(larshm *h, struct mapping *mapping)
{
    /* The mapping may be gone once the pin is: load the flag before. If it retires in between, or if another thread is
     * reaping and has passed this one, it stays until a batch of lookups is done. */
    bool retired = load_acquire(&mapping->retired);
    sub_release(&mapping->pins[thread_number() % PIN_CELLS].count, 1);
    if (retired)
        mapping_tidy(h);
}

static void retire(larshm *h, struct mapping *old)
{
    rcu_wait(); /* each thread that could still load `old` has left its section, with a pin or without */
    pthread_mutex_lock(&retired_lock);
    store_release(&old->retired, true);
    old->next = h->retired;
    h->retired = old;
    reap(h);
    pthread_mutex_unlock(&retired_lock);
}

/*
 * Every thread that finds its generation superseded maps the next one by itself, and the first to exchange the
 * pointer wins: no thread waits for another, which may have lost its processor, and no lookup that begins after a
 * publish stays on the generation before it (G3). `old` is pinned meanwhile, so no other mapping can come to its
 * address and be taken for it.
 */
bool mapping_renew(larshm *h)
{
    rcu_enter();
    struct mapping *old = load_acquire(&h->current);
    mapping_pin(old);
    rcu_leave();

    struct mapping *newer = NULL;
    struct place_visit visit;
    int code = (int)place_enter(&h->place, h->names.routes, &old->routes_region, &visit);
    if (code == LARSHM_OK) {
        code = mapping_open(&h->names, visit.directory, &visit.trust, &newer);
        if (!place_leave(&h->place, &visit))
            code = LARSHM_SYSTEM_ERROR;
    }
    bool moved = code == LARSHM_OK && newer->routes.generation != old->routes.generation;
    struct mapping *expected = old;
    bool won = moved && exchange_acq_rel(&h->current, &expected, newer);
    if (!won)
        mapping_close(newer);
    mapping_unpin(h, old);
    if (won)
        retire(h, old);
    return moved;
}
