/* SPDX-License-Identifier: MIT */
/* The two clocks. Read without a syscall where the vDSO serves them, as it does on common machines. */
#ifndef SHM_CLOCK_H
#define SHM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The tick of the boot, 34 years in milliseconds, and whole seconds: what was before the boot has a tick, too. */
#define TICK_ORIGIN_S (UINT32_C(1) << 30)
#define TICK_ORIGIN   (UINT64_C(1000) * TICK_ORIGIN_S)

/*
 * The machine's time since boot in milliseconds, and TICK_ORIGIN: the same for all processes, never set back, continues in
 * suspend. In a time namespace, as every restored container has one, CLOCK_BOOTTIME is shifted; the shift is
 * subtracted. The first call of a process learns it, with a few syscalls that are no cancellation points. errno stays as it was.
 */
uint64_t clock_tick(void);

/* False: the shift could not be learnt, as without /proc, or the machine has no such clock. Then a difference between
 * ticks of this process means something, and one between a tick of this process and one of another does not. */
bool clock_is_shared(void);

/* Before a fork, and in its child, which may be in another time namespace than its parent. */
void clock_prepare(void);
void clock_child(void);

/* Unix time in milliseconds, for people. */
uint64_t clock_unix_ms(void);

#endif
