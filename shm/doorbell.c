/* SPDX-License-Identifier: MIT */
#include "shm/doorbell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"

uint32_t doorbell_count(const struct routes *routes)
{
    /* Pairs with the release in doorbell_ring(): a reader that has this count sees what was published before the ring. */
    return load_acquire(&routes->s_header->doorbell);
}

/* A wait for some of the bits ends at a time of CLOCK_MONOTONIC. Where the machine refuses that clock, the wait is for a duration,
 * which is one for all bits. */
void doorbell_wait(const struct routes *routes, uint32_t count, uint32_t bits, uint32_t timeout_ms)
{
    const _Atomic uint32_t *s_bell = &routes->s_header->doorbell;
    struct timespec until = {.tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000},
                    now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        syscall(SYS_futex, s_bell, FUTEX_WAIT, count, &until, NULL, 0);
        return;
    }
    until.tv_sec += now.tv_sec;
    until.tv_nsec += now.tv_nsec;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    syscall(SYS_futex, s_bell, FUTEX_WAIT_BITSET, count, &until, NULL, bits);
}

static void wake(const _Atomic uint32_t *s_bell, uint32_t bits)
{
    syscall(SYS_futex, s_bell, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, bits);
}

void doorbell_ring(struct routes_header *s_header, uint32_t bits)
{
    /* The kernel compares the count under its own lock: a waiter that read the old count either sleeps before the
     * wake below, or finds the new count and does not sleep. */
    _Atomic uint32_t *s_bell = &s_header->doorbell;
    store_release(s_bell, load_relaxed(s_bell) + 1);
    wake(s_bell, bits);
}

void doorbell_wake(const struct routes_header *s_header, uint32_t own)
{
    wake(&s_header->doorbell, own);
}
