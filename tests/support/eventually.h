/* SPDX-License-Identifier: MIT */
/* Waiting for other processes without assumptions about their speed. */
#ifndef TESTS_SUPPORT_EVENTUALLY_H
#define TESTS_SUPPORT_EVENTUALLY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "shm/clock.h"

enum {
    EVENTUALLY_MS = 30000, /* until a thing that must happen counts as never happening */
    LOOK_EVERY_MS = 2,
};

static inline void pause_ms(uint64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* The condition becomes true; how soon does not matter. */
#define eventually(condition)                                                                                \
    do {                                                                                                     \
        for (uint64_t deadline_ = clock_tick() + EVENTUALLY_MS; !(condition); pause_ms(LOOK_EVERY_MS))       \
            if (clock_tick() > deadline_)                                                                    \
                fail_msg("never came true: %s", #condition);                                                 \
    } while (0)

/* The condition is true now and each time it is looked at for so long. */
#define throughout(ms, condition)                                                                            \
    do {                                                                                                     \
        for (uint64_t end_ = clock_tick() + (ms); clock_tick() < end_; pause_ms(LOOK_EVERY_MS))              \
            if (!(condition))                                                                                \
                fail_msg("did not stay true: %s", #condition);                                               \
    } while (0)

#endif
