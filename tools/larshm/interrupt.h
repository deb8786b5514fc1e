/* SPDX-License-Identifier: MIT */
/* Ctrl-C for commands that go on for a while: they end early and print what they have so far. A second one kills. */
#ifndef TOOLS_LARSHM_INTERRUPT_H
#define TOOLS_LARSHM_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are caught. */
void interrupt_catch(void);

bool interrupted(void);

#endif
