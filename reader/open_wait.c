/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "reader/include/larshm/larshm.h"
#include "shm/clock.h"

/* A poll: the directory of the objects may itself come later, and a watch would need a descriptor and a limit of its
 * own. */
enum {
    LOOK_MS = 20
};

/* A cancellation point: between two opens this function holds nothing. */
static void pause_ms(uint64_t ms)
{
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    nanosleep(&pause, NULL); /* a signal may end it early: the caller goes by the clock */
}

int larshm_open_wait(larshm **out, const char *instance, int timeout_ms)
{
    uint64_t start = clock_tick();
    for (;;) {
        int code = larshm_open(out, instance);
        uint64_t waited = clock_tick() - start, left = LOOK_MS;
        if (code != LARSHM_NO_OBJECT)
            return code;
        if (timeout_ms >= 0 && waited >= (uint64_t)timeout_ms)
            return code;
        if (timeout_ms >= 0 && (uint64_t)timeout_ms - waited < left)
            left = (uint64_t)timeout_ms - waited;
        pause_ms(left);
    }
}
