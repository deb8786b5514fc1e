/* SPDX-License-Identifier: MIT */
#ifndef READER_FORK_H
#define READER_FORK_H

/* Sees to it that handles work on in the children of fork(). Once per process is enough, more do no harm. 0, or
 * LARSHM_SYSTEM_ERROR. */
int fork_ready(void);

#endif
