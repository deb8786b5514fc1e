/* SPDX-License-Identifier: MIT */
/* The control object. A part of layout.h, which draws it. */
#ifndef SHM_LAYOUT_CONTROL_H
#define SHM_LAYOUT_CONTROL_H

#ifndef SHM_LAYOUT_H
#error "include shm/layout.h"
#endif

/* One cache line per cell; a thread adds to the cell that its number picks. The fetcher collects the contents. */
struct lookup_cell {
    _Alignas(CACHE_LINE) _Atomic uint64_t lookups;
    _Atomic uint64_t missed;
    _Atomic uint64_t expired;
};

/* A sample of lookups, see reader/use_sample.h; the fetcher takes the number and leaves the key. */
struct use_cell {
    _Atomic uint64_t key; /* ~key */
    _Atomic uint64_t lookups;
};

/*
 * Results of calls to one host of one route. Counts only grow; `taken` follows them: the fetcher writes it once it
 * has committed what is between the two, so one that dies in between loses none. One word counts successes and
 * failures: a carry out of the successes does not spoil the difference between two reads. Clients add failures here,
 * and successes to one of the CALL_SHARDS words of the cell that are elsewhere, the one that the thread's number picks:
 * so while a host does not fail, threads that report it only read this line, and few write to the same one. What was
 * counted is the sum of all these words, see call_cell_counts().
 *   err_runs   0 | 24 bits: successes, when a failure last came | 20: failures in a row | 20: the longest run | 64
 *   succ_run   the longest run of successes that a failure ended
 */
struct call_cell {
    _Alignas(CACHE_LINE) _Atomic uint64_t key; /* ~key; 0: the cell is free */
    _Atomic uint64_t host; /* host_addr_word(); 0: claimed for the route, not for a host yet */
    _Atomic uint64_t counts;
    _Atomic uint64_t extra; /* what slow failures count beyond one each */
    _Atomic uint64_t err_runs;
    _Atomic uint64_t succ_run;
    _Atomic uint64_t taken, taken_extra; /* of counts and extra */
};

/* In call_cell.host: no host has this name. The cell is one of a replaced control object, and takes no more
 * results. */
#define CALL_CELL_ENDED UINT64_MAX

struct control_header {
    struct object_id id; /* constant, but in memory that clients can write: the fetcher keeps its own copy */
    uint32_t slot_count;
    uint32_t call_cells;
    _Atomic uint32_t threads; /* that have begun to look up or to report: each starts with another phase */
    _Atomic uint32_t refused; /* results for which there was no call cell */
    _Atomic uint32_t knock;   /* a futex; 1: a client waits for what it has demanded, see knock.h */
    /* A bit for 64 cells: some of them may be in use. */
    _Alignas(CACHE_LINE) _Atomic uint64_t miss_summary[MISS_WORDS];
};

/* The fields of call_cell.err_runs. */
enum {
    RUN_MARK_BITS = 24,
    RUN_BITS = 20,
    RUN_MAX = (1 << RUN_BITS) - 1,
};
struct err_runs {
    uint32_t mark;    /* successes when a failure last came, the low RUN_MARK_BITS of them */
    uint32_t run;     /* failures in a row, up to then */
    uint32_t longest; /* since the fetcher last collected */
};

static inline struct err_runs err_runs_unpack(uint64_t word)
{
    return (struct err_runs){.mark = (uint32_t)(word & ((1 << RUN_MARK_BITS) - 1)),
                             .run = (uint32_t)(word >> RUN_MARK_BITS & RUN_MAX),
                             .longest = (uint32_t)(word >> (RUN_MARK_BITS + RUN_BITS))};
}

static inline uint64_t err_runs_pack(struct err_runs runs)
{
    return runs.mark | (uint64_t)runs.run << RUN_MARK_BITS |
           (uint64_t)runs.longest << (RUN_MARK_BITS + RUN_BITS);
}

/* Successes in a row since the mark. None if the mark is the newer of the two: a failure came after `counts` was
 * read. A difference of 2^23 or more looks the same. */
static inline uint32_t succ_run_since(uint32_t mark, uint64_t counts)
{
    uint32_t since = ((uint32_t)counts - mark) & ((1 << RUN_MARK_BITS) - 1);
    return since < 1 << (RUN_MARK_BITS - 1) ? since : 0;
}

enum {
    CALL_SHARDS = 8, /* words for the successes of a host */
    CALL_CELL_BYTES = sizeof(struct call_cell) + CALL_SHARDS * sizeof(uint64_t), /* with its successes */
};

static_assert(sizeof(struct lookup_cell) == CACHE_LINE, "lookup_cell");
static_assert(sizeof(struct use_cell) == 16, "use_cell");
static_assert(sizeof(struct call_cell) == CACHE_LINE, "call_cell");
static_assert(offsetof(struct control_header, miss_summary) == 64, "control_header");
static_assert(sizeof(struct control_header) <= HEADER_BYTES, "control_header");
static_assert(MISS_WORDS * 64 * 64 == MISS_CELLS, "miss summary");

#endif
