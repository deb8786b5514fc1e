/* SPDX-License-Identifier: MIT */
/*
 * Where each thread is in the sequence of picks of each route. A route has its own sequence, so that lookups of other routes
 * between two picks change nothing: with one position for all, some numbers of lookups per cycle would give a route the same
 * host every time.
 *
 * A position is on a circle of 2^32, which is scaled to the number of hosts. Cells keep its upper 16 bits, too few for an even
 * share of thousands of hosts, so those below are random: what follows from the thread's lookups keeps time with its steps where
 * it goes past hosts. Steps are of the golden ratio: they spread any run
 * of picks evenly over any number of hosts, and each leads to another host, for it is longer than a third of the circle
 * either way. Between two hosts, where that is not enough, a step is half the circle.
 *
 * A cell has the last position of a route in its upper half, and in its lower one a tag. Which cell, and which tag, follows
 * from the address of the route's table. Cells come in pairs, the one that was used last is the first. Tables that
 * are close to each other share no pair, so all routes of a small instance have a cell each, until changes have moved their
 * tables about. A route that is in neither cell of its pair takes the older one, and goes on from a position that is as good
 * as random: it depends on where the other route was, and on how many lookups the thread has made. So a thread that goes
 * round more routes than there are cells spreads them by chance, and no number of lookups per cycle sticks a route to a
 * host. Tables of two handles that are a multiple of 4 GiB apart would share cell and tag, and thus the sequence.
 *
 * A route that is looked up again before another one of its pair has the first cell: that is foreseen, and costs half of what the
 * search costs.
 *
 * The cells are the process's own, a set for each thread, in memory that is 0 until it is used: nothing to allocate in a
 * lookup, and nothing to free when a thread ends.
 */
#ifndef READER_CURSOR_H
#define READER_CURSOR_H

#include "reader/thread.h"
#include "shm/atomic.h"
#include "shm/hash.h"
#include "shm/layout.h"

enum {
    CURSOR_SETS = 128,
    CURSOR_PAIRS =
        2048, /* in a set: 16 KiB, of which routes that lie together use as many lines as they need */
};

struct cursors { /* a pair */
    _Atomic uint32_t latest, older;
};

#define CURSOR_POSITION UINT32_C(0xffff0000) /* of a cell */
#define CURSOR_GOLDEN   UINT32_C(0x9e490000)
#define CURSOR_HALF     UINT32_C(0x80000000)

/* Hides from the compiler what a value is, so that it makes no branch of a choice. */
#define CURSOR_HIDE(value) __asm__("" : "+r"(value))

/* Gives the thread a set: the one that was used least recently, as far as cursor_keep() has said. So threads share one only if
 * more than CURSOR_SETS have begun since the last batch of one of them; then positions of one may be those of the other, and
 * the processor's caches take turns. */
void cursor_begin(struct thread_state *mine);

/* After each batch of a thread's calls, `now` being a tick: its set is in use. */
void cursor_keep(const struct thread_state *mine, uint64_t now);

static inline uint32_t cursor_step(uint64_t count)
{
    return CURSOR_GOLDEN + (-(uint32_t)(count == 2) & (CURSOR_HALF - CURSOR_GOLDEN));
}

static inline struct cursors *cursor_pair(struct cursors *set, const struct block *s_block)
{
    return &set[(uintptr_t)s_block / UNIT_BYTES % CURSOR_PAIRS];
}

static inline uint32_t cursor_tag(const struct block *s_block)
{
    return (uint32_t)(uintptr_t)s_block / (UNIT_BYTES * CURSOR_PAIRS);
}

/*
 * The next position of a route that is not the latest of its pair: it becomes that. Without a branch, since where there are
 * many routes it cannot be foreseen whose the older cell is. The factor is one that is good for a sequence of random numbers.
 */
static inline uint32_t cursor_switch(struct cursors *pair, uint32_t latest, uint32_t tag, uint64_t count,
                                     uint32_t lookups)
{
    uint32_t cell = load_relaxed(&pair->older);
    store_relaxed(&pair->older, latest);
    uint32_t next = cell + cursor_step(count);
    uint32_t elsewhere = ((cell + lookups) * UINT32_C(0x93d765dd) & CURSOR_POSITION) | (uint16_t)tag;
    CURSOR_HIDE(elsewhere);
    CURSOR_HIDE(next);
    return (uint16_t)cell == (uint16_t)tag ? next : elsewhere;
}

/*
 * The position of the thread's next pick among `count` hosts of a table, but for where the thread's sequences begin. `pair` is
 * cursor_pair(); `lookups` differs from one lookup to the next. Relaxed: the cells are the thread's own, but for a set
 * that is shared, and for handlers of signals. One that looks the route up in between gets the same position, or its sequence is
 * broken off once, and that is all.
 */
static inline uint32_t cursor_move(struct cursors *pair, const struct block *s_block, uint64_t count,
                                   uint32_t lookups)
{
    uint32_t tag = cursor_tag(s_block), latest = load_relaxed(&pair->latest);
    uint32_t next = __builtin_expect((uint16_t)latest == (uint16_t)tag, 1)
                        ? latest + cursor_step(count)
                        : cursor_switch(pair, latest, tag, count, lookups);
    store_relaxed(&pair->latest, next);
    return next;
}

static inline uint32_t cursor_next(const struct thread_state *mine, const struct block *s_block,
                                   uint64_t count)
{
    return cursor_move(cursor_pair(mine->cursors, s_block), s_block, count, mine->lookups) + mine->start;
}

/* After cursor_next(): the pick is one further on in the sequence, by so many steps together. */
static inline void cursor_skip(const struct thread_state *mine, const struct block *s_block, uint32_t steps)
{
    _Atomic uint32_t *cell = &cursor_pair(mine->cursors, s_block)->latest;
    store_relaxed(cell, load_relaxed(cell) + steps);
}

/*
 * After cursor_next() between two hosts, which steps to and fro between two positions: moves on within its half of the circle,
 * by steps of the golden ratio, so that what else is decided by positions comes round. Returns where it was in that half,
 * as a position.
 */
static inline uint32_t cursor_turn(const struct thread_state *mine, const struct block *s_block,
                                   uint32_t position)
{
    uint32_t within = (position + (CURSOR_GOLDEN >> 1 & CURSOR_POSITION)) & (CURSOR_HALF - 1);
    cursor_skip(mine, s_block, (position & CURSOR_HALF) + within - position);
    return position << 1;
}

/* The host at a position. */
static inline uint64_t cursor_host(uint32_t position, uint64_t count)
{
    return position * count >> 32;
}

#endif
