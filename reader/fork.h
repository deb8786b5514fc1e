/* SPDX-License-Identifier: MIT */
#ifndef READER_FORK_H
#define READER_FORK_H

/* Makes handles work in the children of fork(). Once per process is enough, more calls do no harm. 0, or
 * LARSHM_SYSTEM_ERROR. */
int fork_ready(void);

#endif
