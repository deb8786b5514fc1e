/* SPDX-License-Identifier: MIT */
/*
 * Access to shared memory. The only file that names memory orders (a test greps for it): the order is in each
 * name, and each use names its partner. Pointers into shared memory carry the mark `s_`.
 *
 * Every word that two processes touch is a lock-free _Atomic of 16, 32 or 64 bits, aligned to its size: such
 * objects are address-free, so they work between processes that map them at different places. Never use a
 * read-modify-write as a load: it faults on a read-only mapping.
 */
#ifndef SHM_ATOMIC_H
#define SHM_ATOMIC_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_SHORT_LOCK_FREE == 2,
              "words in shared memory must be lock-free");
static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic uint32_t) == 4 && sizeof(_Atomic uint16_t) == 2,
              "an atomic word must be as large as the word");

/* A place where a fetcher may die: before each of its stores. Tests define it to stop there; here it is nothing. */
#ifndef SHM_STEP
#define SHM_STEP(s_word) ((void)0)
#endif

/* Loads. Relaxed: the value alone matters, or a later check decides whether it is valid. */
#define load_relaxed(s_word) atomic_load_explicit((s_word), memory_order_relaxed)
/* Acquire: what the writer stored before its release of this word is visible to the loads that follow. */
#define load_acquire(s_word) atomic_load_explicit((s_word), memory_order_acquire)
/* Sequentially consistent: in one order with the read-modify-writes of that name below. "I have added, is the bit up?"
 * against "I have taken the bit, what was added?": one of the two sees the other. */
#define load_seq_cst(s_word) atomic_load_explicit((s_word), memory_order_seq_cst)

/*
 * Stores. Everything that a fetcher writes to a routes object goes through these two.
 * Release: everything stored before is visible to a load that acquires this value.
 */
#define store_relaxed(s_word, value)                                                                         \
    (SHM_STEP(s_word), atomic_store_explicit((s_word), (value), memory_order_relaxed))
#define store_release(s_word, value)                                                                         \
    (SHM_STEP(s_word), atomic_store_explicit((s_word), (value), memory_order_release))

/* Loads before the fence are done before any load or store after it. */
#define fence_acquire() atomic_thread_fence(memory_order_acquire)
/* Loads and stores before the fence are done before any store after it. */
#define fence_release() atomic_thread_fence(memory_order_release)

/* Read-modify-write: in the control object, which clients may write, and in a process's own memory. */
#define add_relaxed(s_word, value) atomic_fetch_add_explicit((s_word), (value), memory_order_relaxed)
#define add_seq_cst(s_word, value) atomic_fetch_add_explicit((s_word), (value), memory_order_seq_cst)
#define sub_release(s_word, value) atomic_fetch_sub_explicit((s_word), (value), memory_order_release)
#define take_relaxed(s_word)       (SHM_STEP(s_word), atomic_exchange_explicit((s_word), 0, memory_order_relaxed))
#define take_seq_cst(s_word)       (SHM_STEP(s_word), atomic_exchange_explicit((s_word), 0, memory_order_seq_cst))
#define take_acq_rel(s_word)       (SHM_STEP(s_word), atomic_exchange_explicit((s_word), 0, memory_order_acq_rel))
#define set_bits_acq_rel(s_word, bits)                                                                       \
    (SHM_STEP(s_word), atomic_fetch_or_explicit((s_word), (bits), memory_order_acq_rel))
#define clear_bits_acq_rel(s_word, bits)                                                                     \
    (SHM_STEP(s_word), atomic_fetch_and_explicit((s_word), ~(bits), memory_order_acq_rel))
/* Stores `value` if *s_word is 0; true when it did. */
static inline _Bool claim_acq_rel(_Atomic uint64_t *s_word, uint64_t value)
{
    uint64_t empty = 0;
    return atomic_compare_exchange_strong_explicit(s_word, &empty, value, memory_order_acq_rel,
                                                   memory_order_acquire);
}

/* True if *word was *expected and is `next` now; otherwise *expected is what it was. */
#define exchange_acq_rel(word, expected, next)                                                               \
    atomic_compare_exchange_strong_explicit((word), (expected), (next), memory_order_acq_rel,                \
                                            memory_order_acquire)
/* Likewise, where nothing is published with the value. */
#define exchange_relaxed(s_word, expected, next)                                                             \
    atomic_compare_exchange_strong_explicit((s_word), (expected), (next), memory_order_relaxed,              \
                                            memory_order_relaxed)

#endif
