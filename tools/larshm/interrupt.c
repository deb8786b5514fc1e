/* SPDX-License-Identifier: MIT */
#include "tools/larshm/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "shm/atomic.h"

static _Atomic uint32_t noted;

static void record(int number)
{
    (void)number;
    store_relaxed(&noted, 1);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = record, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
    return load_relaxed(&noted) != 0;
}
