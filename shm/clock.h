/* SPDX-License-Identifier: MIT */
/* The two clocks. Both are read without a syscall where the vDSO serves them, as it does on common machines. */
#ifndef SHM_CLOCK_H
#define SHM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_BOOTTIME in milliseconds: the same for all processes of a machine, never set back, continues in suspend. */
static inline uint64_t clock_tick(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Unix time in milliseconds, for people. */
static inline uint64_t clock_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
