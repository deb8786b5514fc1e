/* SPDX-License-Identifier: MIT */
#include "fetcher/backoff.h"

#include <sys/random.h>

#include "shm/clock.h"

uint64_t backoff_ms(uint64_t least, uint64_t most, unsigned attempts)
{
    uint64_t pause = least;
    for (unsigned i = 1; i < attempts && pause < most; i++)
        pause *= 2;
    if (pause > most)
        pause = most;
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
        chance = (uint32_t)clock_tick(); /* early at boot: better than nothing */
    return pause - chance % (pause / 2 + 1);
}
