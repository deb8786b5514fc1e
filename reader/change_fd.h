/* SPDX-License-Identifier: MIT */
/* The descriptors of larshm_change_fd(), and the threads that make them readable. */
#ifndef READER_CHANGE_FD_H
#define READER_CHANGE_FD_H

#include "reader/state.h"

/* Ends the handle's thread, if it is in this process, and closes the descriptor. */
void change_fd_close(larshm *h);

/* Around a fork, while rcu_freeze() holds: the child has the descriptors, and none of the threads. */
void change_fd_prepare(void);
void change_fd_parent(void);
void change_fd_child(void);

#endif
