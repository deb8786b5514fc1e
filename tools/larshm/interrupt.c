/* SPDX-License-Identifier: MIT */
#include "tools/larshm/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "shm/atomic.h"

static _Atomic uint32_t caught;

static void catch_signal(int number)
{
    (void)number;
    store_relaxed(&caught, 1);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
    return load_relaxed(&caught) != 0;
}
