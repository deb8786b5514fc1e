/* SPDX-License-Identifier: MIT */
/* Mappings of generations, and the switch from one to the next. */
#ifndef READER_MAPPING_H
#define READER_MAPPING_H

#include "reader/state.h"
#include "reader/thread.h"
#include "shm/atomic.h"
#include "shm/doorbell.h"
#include "shm/hash.h"

/*
 * Maps the objects that have the instance's names now, in the directory of this descriptor, where `trust` says whose
 * objects to trust. A control object that this user may not write to, or that is missing, is no failure.
 */
int mapping_open(const struct object_names *names, int directory, const struct trust *trust,
                 struct mapping **out);

/* Unmaps and frees. NULL is fine. */
void mapping_close(struct mapping *mapping);

/*
 * Switches the handle to the generation that has the name now, if that or its control object is another one, or if
 * there was no control object so far. Makes syscalls, and waits for the read sections of other threads, which
 * contain no caller's code: call it outside of any read section. False: nothing newer was found, and this call left
 * the handle as it is.
 */
bool mapping_renew(larshm *h);

/* Pins a mapping beyond a read section; call it inside one. */
static inline void mapping_pin(struct mapping *mapping)
{
    add_relaxed(&mapping->pins[thread_number() % PIN_CELLS].count, 1);
}

/* In the child of fork(), for a thread that is not here: unpins, and no more. */
static inline void mapping_drop_pin(struct mapping *mapping)
{
    sub_release(&mapping->pins[thread_number() % PIN_CELLS].count, 1);
}

/* Unpins it, in any thread. The last unpin of a retired mapping unmaps it, unless another thread is reaping just
 * then. */
void mapping_unpin(larshm *h, struct mapping *mapping);

/* Wakes the thread of larshm_change_fd(), unless it goes to sleep just then. Bounded; a system call if it sleeps. */
void mapping_wake(const larshm *h);

/* For which bit of the doorbell it waits, beside that for changes. */
static inline uint32_t mapping_wake_bit(const larshm *h)
{
    return doorbell_own(hash_word((uintptr_t)h, h->serial));
}

/* Unmaps retired mappings that nothing uses any more, unless another thread is reaping. */
void mapping_tidy(larshm *h);

/* In the child of fork(): a thread of the parent that was reaping is not here. */
void mapping_forget(void);

#endif
