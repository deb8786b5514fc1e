/* SPDX-License-Identifier: MIT */
#ifndef FETCHER_BACKOFF_H
#define FETCHER_BACKOFF_H

#include <stdint.h>

/*
 * The pause after so many vain attempts in a row (1, 2, ...), in milliseconds: `least` doubled each time, up to `most`.
 * Half of it is certain, half is chance, so that many fetchers that lost one directory do not come back together.
 */
uint64_t backoff_ms(uint64_t least, uint64_t most, unsigned attempts);

#endif
