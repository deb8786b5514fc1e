/* SPDX-License-Identifier: MIT */
/* From one generation to the next. */
#ifndef READER_MAPPING_H
#define READER_MAPPING_H

#include "reader/handle.h"

/*
 * Maps the objects that have the instance's names now. Trusted are those of root, of ourselves and of `fetcher`. Not
 * having permission on control is no failure.
 */
int mapping_open(const struct object_names *names, uid_t fetcher, struct mapping **out);

/* Unmaps and frees. NULL is fine. */
void mapping_close(struct mapping *mapping);

/*
 * Moves the handle to the generation that has the name now, if it is another one. Syscalls, and a wait for the read
 * sections of other threads, which contain no caller's code. Call it outside of any read section. False: there is
 * nothing newer, and the handle stays where it is.
 */
bool mapping_renew(larshm *h);

/* Holds a mapping beyond a read section; call it inside one. */
void mapping_pin(struct mapping *mapping);

/* Lets it go, in any thread. The last one of a retired mapping unmaps it, if no other thread is at it just then. */
void mapping_unpin(larshm *h, struct mapping *mapping);

/* Unmaps what is retired and not pinned any more, unless another thread is at it. */
void mapping_tidy(larshm *h);

/* Around fork(): no other thread is changing the list of retired mappings. */
void mapping_freeze(void);
void mapping_thaw(void);

#endif
