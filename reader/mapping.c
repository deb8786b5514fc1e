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

enum sleeping {
    NO_SLEEP,  /* a lookup: it goes on without control, and looks for it again later */
    MAY_SLEEP, /* larshm_open() */
};

/* By mmap, not malloc: a signal handler's lookup may come here, and may have interrupted malloc. */
static int open_mapping(const struct object_names *names, int directory, const struct trust *trust,
                        enum sleeping sleeping, struct mapping **out)
{
    struct mapping *mapping =
        mmap(NULL, sizeof(*mapping), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return LARSHM_SYSTEM_ERROR;
    enum shm_status status = open_routes(names, directory, *trust, mapping);
    enum shm_status control =
        status == SHM_OK ? open_control(names, directory, *trust, mapping) : SHM_NO_OBJECT;
    /* No control object, or one of another number: it is being replaced, or a fetcher died while replacing it. */
    for (int i = 1; status == SHM_OK && sleeping == MAY_SLEEP && i < OPEN_TRIES; i++) {
        if (control != SHM_NO_OBJECT || load_acquire(&mapping->routes.s_header->superseded))
            break;
        usleep(OPEN_PAUSE_US);
        control = open_control(names, directory, *trust, mapping);
    }
    mapping->can_demand = control == SHM_OK;
    mapping->may_not_demand = control == SHM_NO_PERMISSION || control == SHM_FOREIGN || control == SHM_UNSAFE;
    /* The system is out of a resource: the program can open again, where a lookup makes do without control. */
    if (status == SHM_OK && control == SHM_SYSTEM_ERROR && sleeping == MAY_SLEEP)
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
    return open_mapping(names, directory, trust, MAY_SLEEP, out);
}

void mapping_close(struct mapping *mapping)
{
    if (!mapping)
        return;
    region_close(&mapping->routes_region);
    region_close(&mapping->control_region);
    munmap(mapping, sizeof(*mapping));
}

static int64_t pins(struct mapping *mapping)
{
    /* After a retired mapping's grace period no pin is added, and an unpin only lowers a cell: cells that are read
     * one after the other never sum up to too little, so 0 is final. Acquire pairs with the release in
     * mapping_unpin(): the last user's reads of the mapping come before the unmap. */
    int64_t sum = 0;
    for (int i = 0; i < PIN_CELLS; i++)
        sum += load_acquire(&mapping->pins[i].count);
    return sum;
}

enum {
    WAIT_AGAIN_MS = 10
};

/*
 * Retired mappings are a list. Any thread pushes at its head; one thread at a time, the reaper, takes mappings out
 * and unmaps them. A thread that finds another one reaping leaves the list to it: waiting could take long if the
 * reaper has lost its processor, and forever in a signal handler that has interrupted the reaper.
 *
 * A mapping can be unmapped once no read section can use it: after its retirement rcu_wait() has waited for all
 * sections, and found no guest. Until that succeeds, mappings are kept. Where membarrier(2) is refused it never
 * does; then one mapping is kept for each generation that the handle has left, until larshm_close().
 */
static _Atomic uint64_t reaper; /* which thread it is, see this_thread(); 0: none */

static uint64_t this_thread(void)
{
    return (uintptr_t)&thread_state;
}

/* If a signal handler that interrupted the reaper forks, the reaper goes on in the child. Any other reaper stays in
 * the parent; the mapping that it had taken out of the list and not unmapped yet stays mapped in the child. */
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

/*
 * Waits for the read sections that may use what is in the list now, and marks it. False: that failed, try again
 * later. Acquire pairs with the release in push(): h->current led elsewhere before, so sections that begin later do
 * not find what is in the list.
 */
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
            taken = exchange_acq_rel(&h->retired, &head, next); /* false: another was pushed; next time */
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

/* Repeats if another thread has retired a mapping meanwhile and left it to this one: it may be long until the next
 * lookup. Relaxed: a retirement that is missed waits for that lookup. */
static void reap(larshm *h, bool wait)
{
    uint32_t seen;
    do
        seen = load_relaxed(&h->retirements);
    while (reap_once(h, wait) && load_relaxed(&h->retirements) != seen);
}

void mapping_tidy(larshm *h)
{
    if (load_relaxed(&h->retired))
        reap(h, clock_tick() >= load_relaxed(&h->next_wait));
}

void mapping_unpin(larshm *h, struct mapping *mapping)
{
    /* Before the unpin: after it the mapping may be gone. Relaxed: if it is retired in between, or if the reaper
     * has just passed it, the end of a later batch of lookups unmaps it. */
    bool retired = load_relaxed(&mapping->retired);
    mapping_drop_pin(mapping);
    if (retired)
        mapping_tidy(h);
}

/* The object that it sleeps at may be unmapped before the system call: that fails then. */
void mapping_wake(const larshm *h)
{
    const struct routes_header *s_header = load_acquire(&h->asleep_at);
    if (s_header)
        doorbell_wake(s_header, mapping_wake_bit(h));
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
 * address and be taken for it. The exchange pairs with the acquires of h->current: who finds the newer mapping
 * finds it filled in.
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
        code = open_mapping(&h->names, visit.directory, &visit.trust, NO_SLEEP, &newer);
        if (!place_leave(&h->place, &visit))
            code = LARSHM_SYSTEM_ERROR;
    }
    bool moved = code == LARSHM_OK && is_newer(newer, old);
    store_relaxed(&old->cut_off, code); /* a newer mapping begins with LARSHM_OK */
    struct mapping *expected = old;
    bool won = moved && exchange_acq_rel(&h->current, &expected, newer);
    if (won) {
        store_relaxed(&old->retired, true);
        push(h, old);
        /* Where no fetcher rings the old doorbell any more. A wake that is too early is made good by change_watch_sleep(), some
         * time later. */
        mapping_wake(h);
    } else {
        mapping_close(newer);
    }
    mapping_unpin(h, old);
    if (won)
        reap(h, true);
    uncancelled_end(before);
    return moved;
}
