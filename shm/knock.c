/* SPDX-License-Identifier: MIT */
#include "shm/knock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"

void knock(_Atomic uint32_t *s_knock)
{
    /* Pairs with knock_take(): a fetcher that finds the knock finds the demand. It wakes also where the word is not 0: a
     * client may have stored that and woken no thread. */
    store_release(s_knock, 1);
    syscall(SYS_futex, s_knock, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

bool knock_take(_Atomic uint32_t *s_knock)
{
    /* The test leaves the line with the clients at a poll without a knock. A knock after the exchange is not lost: its word
     * keeps knock_wait() from sleeping. */
    return load_relaxed(s_knock) != 0 && take_acq_rel(s_knock) != 0;
}

bool knock_wait(const _Atomic uint32_t *s_knock, uint32_t timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    /* The kernel compares the word under its own lock: a knock comes before that, and is found, or wakes. */
    return syscall(SYS_futex, s_knock, FUTEX_WAIT, 0, &timeout, NULL, 0) == 0 || errno != ETIMEDOUT;
}
