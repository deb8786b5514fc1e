/* SPDX-License-Identifier: MIT */
/* Forced into every source of shm/ in the crash tests: each store of the fetcher comes by here first. */
#ifndef TESTS_CRASH_STEP_H
#define TESTS_CRASH_STEP_H

/* Counts a step; the process ends at the one that crash_at() names. */
void crash_step(const volatile void *s_word);

#define SHM_STEP(s_word) crash_step(s_word)

/* Larger generations are built in parts as small as this, between which the fetcher goes on. */
#define GROWTH_WORK 512

enum {
    CRASH_EXIT = 42
};

/* From now on: end, with CRASH_EXIT and nothing flushed, at step `number` (1, 2, ...); 0: count only. */
void crash_at(unsigned long number);

/* Steps since crash_at(), and how many of them were stores to [from, to). */
unsigned long crash_steps(void);
void crash_watch(const void *from, const void *to);
unsigned long crash_watched(void);

#endif
