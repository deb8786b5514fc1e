/* SPDX-License-Identifier: MIT */
/* Mappings of generations, and the switch from one to the next. */
#ifndef READER_MAPPING_H
#define READER_MAPPING_H

#include "reader/state.h"

/*
 * Maps the objects that have the instance's names now, in the directory of this descriptor, where `trust` says whose
 * objects to trust. No permission on control is not a failure.
 */
int mapping_open(const struct object_names *names, int directory, const struct trust *trust,
                 struct mapping **out);

/* Unmaps and frees. NULL is fine. */
void mapping_close(struct mapping *mapping);

/*
 * Switches the handle to the generation that has the name now, if it is another one, or if its control object is another
 * one, or there was none. Syscalls, and a wait for the read sections of other threads, which contain no caller's code. Call it outside of
 * any read section of the caller's own. False: nothing newer was found, and this call left the handle as it is.
 */
bool mapping_renew(larshm *h);

/* Pins a mapping beyond a read section; call it inside one. */
void mapping_pin(struct mapping *mapping);

/* Unpins it, in any thread. The last unpin of a retired mapping unmaps it, unless another thread is reaping just then. */
void mapping_unpin(larshm *h, struct mapping *mapping);

/* Unmaps retired mappings that nothing uses any more, unless another thread is reaping. */
void mapping_tidy(larshm *h);

/* In the child of fork(): a thread of the parent that was reaping is not here. */
void mapping_forget(void);

#endif
