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

void doorbell_wait(const struct routes *routes, uint32_t count, uint32_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    syscall(SYS_futex, &routes->s_header->doorbell, FUTEX_WAIT, count, &timeout, NULL, 0);
}

void doorbell_ring(struct routes_header *s_header)
{
    /* The kernel compares the count under its own lock: a waiter that read the old count either sleeps before the
     * wake below, or finds the new count and does not sleep. */
    _Atomic uint32_t *s_bell = &s_header->doorbell;
    store_release(s_bell, load_relaxed(s_bell) + 1);
    syscall(SYS_futex, s_bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
