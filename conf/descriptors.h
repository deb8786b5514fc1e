/* SPDX-License-Identifier: MIT */
#ifndef CONF_DESCRIPTORS_H
#define CONF_DESCRIPTORS_H

#include <stdbool.h>

/*
 * For programs that are about to start libuv's loop: it ends the process where it finds no descriptor for the pipe of its
 * signals. False, with errno: there are too few for the loop and a first socket.
 */
bool descriptors_for_loop(void);

#endif
