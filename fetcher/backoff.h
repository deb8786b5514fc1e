/* SPDX-License-Identifier: MIT */
#ifndef FETCHER_BACKOFF_H
#define FETCHER_BACKOFF_H

#include <stdint.h>

/*
 * The pause in milliseconds after this many failed attempts in a row (1, 2, ...): `least`, doubled each time up to
 * `most`. Half of it is fixed, half random, so that fetchers that lost one directory do not all reconnect at once.
 */
uint64_t backoff_ms(uint64_t least, uint64_t most, unsigned attempts);

#endif
