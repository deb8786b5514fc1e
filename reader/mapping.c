/* SPDX-License-Identifier: MIT */
#include "reader/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include "reader/rcu.h"
#include "reader/thread.h"
#include "reader/uncancelled.h"
#include "shm/atomic.h"
#include "shm/clock.h"

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
    mapping->control_number = control_number(mapping->routes.s_header);
    enum shm_status status =
        region_open_at(directory, names->control, true, &trust, HEADER_BYTES, &mapping->control_region);
    if (status == SHM_OK)
        status = control_attach(&mapping->control_region, control_shape(&mapping->routes),
                                mapping->control_number, &mapping->control);
    if (status != SHM_OK)
        region_close(&mapping->control_region);
    return status;
}

enum patience {
    ONCE,     /* for a lookup: it sleeps never, and does without control until later */
    PATIENTLY /* for larshm_open() */
};

/* The struct is mapped, too: a handler must not allocate. */
static int open_mapping(const struct object_names *names, int directory, const struct trust *trust,
                        enum patience patience, struct mapping **out)
{
    struct mapping *mapping =
        mmap(NULL, sizeof(*mapping), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return LARSHM_SYSTEM_ERROR;
    enum shm_status status = open_routes(names, directory, *trust, mapping);
    /* Control of another number under the name: it is being replaced, or a fetcher died when it did that. */
    enum shm_status control =
        status == SHM_OK ? open_control(names, directory, *trust, mapping) : SHM_NO_OBJECT;
    for (int i = 1; status == SHM_OK && patience == PATIENTLY && i < OPEN_TRIES; i++) {
        if (control != SHM_NO_OBJECT || load_acquire(&mapping->routes.s_header->superseded))
            break;
        usleep(OPEN_PAUSE_US);
        control = open_control(names, directory, *trust, mapping);
    }
    mapping->can_demand = control == SHM_OK;
    mapping->may_not_demand = control == SHM_NO_PERMISSION || control == SHM_FOREIGN || control == SHM_UNSAFE;
    /* The system lacks a resource just now: the program can call again. */
    if (status == SHM_OK && control == SHM_SYSTEM_ERROR && patience == PATIENTLY)
        status = control;
    if (status == SHM_OK)
        *out = mapping;
    else
        mapping_close(mapping);
    return (int)status;
}

int mapping_open(const struct object_names *names, int directory, const struct trust *trust,
                 struct mapping **out)
{
    return open_mapping(names, directory, trust, PATIENTLY, out);
}

void mapping_close(struct mapping *mapping)
{
    if (!mapping)
        return;
    region_close(&mapping->routes_region);
    region_close(&mapping->control_region);
    munmap(mapping, sizeof(*mapping));
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

enum {
    WAIT_AGAIN_MS = 10
};

/*
 * Retired mappings are a list: any thread pushes at its head, and one thread at a time, the reaper, takes any of them out.
 * No thread waits to be the reaper: a signal handler may have interrupted it, and it may have lost its processor.
 *
 * A mapping is unmapped after no read section can have it: since it was retired, rcu_wait() has waited for all sections, and
 * has found no guest. Until it can, mappings are kept: where membarrier(2) is refused, that is one for each generation that
 * the handle has left, until larshm_close().
 */
static _Atomic uint64_t reaper; /* the thread, 0: none */

static uint64_t this_thread(void)
{
    return (uintptr_t)&thread_state;
}

/* A handler that forks may have interrupted the reaper: it goes on in the child. What another one had taken out of the list
 * and not unmapped yet, one mapping, stays mapped in the child. */
void mapping_forget(void)
{
    if (load_relaxed(&reaper) != this_thread())
        store_relaxed(&reaper, 0);
}

static void push(larshm *h, struct mapping *mapping)
{
    struct mapping *head = load_relaxed(&h->retired);
    do
        mapping->next = head;
    while (!exchange_acq_rel(&h->retired, &head, mapping));
    add_relaxed(&h->retirements, 1);
}

/* Marks what is in the list now, if no section can have it. Acquire pairs with the release in push(): the pointer was
 * exchanged before. */
static bool settle(larshm *h)
{
    struct mapping *first = load_acquire(&h->retired);
    if (!first || first->quiescent) /* then so are those that were retired before it */
        return true;
    if (!rcu_wait()) {
        store_relaxed(&h->next_wait, clock_tick() + WAIT_AGAIN_MS);
        return false;
    }
    for (struct mapping *mapping = first; mapping; mapping = mapping->next)
        mapping->quiescent = true;
    return true;
}

static void unmap_unused(larshm *h)
{
    struct mapping *before = NULL, *next;
    for (struct mapping *mapping = load_acquire(&h->retired); mapping; mapping = next) {
        struct mapping *head = mapping;
        next = mapping->next;
        bool taken = mapping->quiescent && pins(mapping) == 0;
        if (taken && before)
            before->next = next;
        else if (taken)
            taken = exchange_acq_rel(&h->retired, &head, next); /* false: one was pushed; next time */
        if (taken)
            mapping_close(mapping);
        else
            before = mapping;
    }
}

static bool reap_once(larshm *h, bool wait)
{
    if (!claim_acq_rel(&reaper, this_thread()))
        return false;
    struct uncancelled before = uncancelled_begin();
    bool settled = wait && settle(h);
    unmap_unused(h);
    uncancelled_end(before);
    store_release(&reaper, 0);
    return settled;
}

/* Again if a thread that is no reaper has retired another one meanwhile: it may be the last to look up for long. */
static void reap(larshm *h, bool wait)
{
    uint32_t seen;
    do
        seen = load_acquire(&h->retirements);
    while (reap_once(h, wait) && load_acquire(&h->retirements) != seen);
}

void mapping_tidy(larshm *h)
{
    if (load_relaxed(&h->retired))
        reap(h, clock_tick() >= load_relaxed(&h->next_wait));
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

static bool is_newer(const struct mapping *found, const struct mapping *old)
{
    return found->routes.generation != old->routes.generation ||
           found->control_number != old->control_number || (found->can_demand && !old->can_demand);
}

/*
 * Every thread that finds its generation superseded maps the next one by itself, and the first to exchange the
 * pointer wins: no thread waits for another, which may have lost its processor, and no lookup that begins after a
 * publish stays on the generation before it (G3). `old` is pinned meanwhile, so no other mapping can come to its
 * address and be taken for it.
 */
bool mapping_renew(larshm *h)
{
    struct uncancelled before = uncancelled_begin();
    rcu_enter();
    struct mapping *old = load_acquire(&h->current);
    mapping_pin(old);
    rcu_leave();

    struct mapping *newer = NULL;
    struct place_visit visit;
    int code = (int)place_enter(&h->place, h->names.routes, &old->routes_region, &visit);
    if (code == LARSHM_OK) {
        code = open_mapping(&h->names, visit.directory, &visit.trust, ONCE, &newer);
        if (!place_leave(&h->place, &visit))
            code = LARSHM_SYSTEM_ERROR;
    }
    bool moved = code == LARSHM_OK && is_newer(newer, old);
    store_relaxed(&old->cut_off, code); /* of `old`: a newer mapping begins without */
    struct mapping *expected = old;
    bool won = moved && exchange_acq_rel(&h->current, &expected, newer);
    if (won) {
        store_release(&old->retired, true);
        push(h, old);
    } else {
        mapping_close(newer);
    }
    mapping_unpin(h, old);
    if (won)
        reap(h, true);
    uncancelled_end(before);
    return moved;
}
