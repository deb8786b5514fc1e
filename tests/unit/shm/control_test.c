/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/control.h"

enum {
    SLOTS = 100000,
    CELLS = 100,
};

static const struct control_shape shape = {SLOTS, CELLS, 0};

/* A control object of generation 7 in this process's own memory, exactly as long as it has to be. */
static int setup(void **state)
{
    struct region *region = calloc(1, sizeof(*region));
    if (!region)
        return -1;
    region->size = control_size(shape);
    region->s_base = aligned_alloc(CACHE_LINE, region->size);
    if (!region->s_base)
        return -1;
    memset(region->s_base, 0, region->size);
    control_format(region, shape, 7);
    *state = region;
    return 0;
}

static int teardown(void **state)
{
    struct region *region = *state;
    free(region->s_base);
    free(region);
    return 0;
}

static void parts_are_where_layout_h_draws_them(void **state)
{
    struct region *region = *state;
    struct control control;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_OK);
    const void *const parts[] = {control.s_header,
                                 control.s_lookups,
                                 control.s_misses,
                                 control.stale.s_words[0],
                                 control.stale.s_words[1],
                                 control.stale.s_words[2],
                                 control.s_probes,
                                 control.reported.s_words[0],
                                 control.reported.s_words[1],
                                 control.reported.s_words[2],
                                 control.s_uses,
                                 control.s_successes[0],
                                 control.s_successes[1],
                                 control.s_successes[2],
                                 control.s_successes[3],
                                 control.s_successes[4],
                                 control.s_successes[5],
                                 control.s_successes[6],
                                 control.s_successes[7],
                                 control.s_calls,
                                 (char *)region->s_base + region->size};
    /* 100,000 slots: 1,563 words, 25 and 1. 100 cells: 2 words, 1 and 1, and 100 in each shard. Each part begins on a
     * cache line. */
    static const uint32_t sizes[] = {4096,     64 * 64, 4096 * 8, 12544, 256, 64,  400000, 64,  64,  64,
                                     256 * 16, 832,     832,      832,   832, 832, 832,    832, 832, 6400};
    const char *wanted = region->s_base;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); wanted += sizes[i++])
        assert_ptr_equal(parts[i], wanted);
    assert_ptr_equal(parts[sizeof(sizes) / sizeof(*sizes)], wanted);
}

static void an_object_too_short_or_of_another_generation_is_refused(void **state)
{
    struct region *region = *state;
    struct control_header *s_header = region->s_base;
    struct control control;
    assert_int_equal(control_attach(region, shape, 8, &control), SHM_NO_OBJECT);
    static const struct control_shape others[] = {
        {SLOTS + 64, CELLS, 0}, {SLOTS, CELLS * 2, 0}, {UINT32_MAX, CELLS, 0}, {SLOTS, UINT32_MAX, 0}};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(control_attach(region, others[i], 7, &control), SHM_CORRUPT);
    region->size -= CACHE_LINE;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_SHORT);
    /* A client that lies about the size gains nothing. */
    s_header->id.size = region->size;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_CORRUPT);
    region->size = HEADER_BYTES;
    s_header->id.size = 0;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_CORRUPT);
    region->size = 16;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_SHORT);
}

/* Its cells are where the flags end: nothing is counted beside them. */
static void g5_g11_an_object_of_the_released_layout_has_neither_shards_nor_samples(void **state)
{
    struct region *region = *state;
    struct control_header *s_header = region->s_base;
    struct control own, released;
    assert_int_equal(control_attach(region, shape, 7, &own), SHM_OK);
    region->size = s_header->id.size = control_released_size(shape);
    assert_int_equal(control_attach(region, shape, 7, &released), SHM_CORRUPT);
    s_header->id.layout_version = LAYOUT_RELEASED;
    s_header->id.fingerprint = FINGERPRINT_RELEASED;
    assert_int_equal(control_attach(region, shape, 7, &released), SHM_LAYOUT);
    assert_int_equal(control_adopt(region, shape, 7, &released), SHM_OK);
    assert_null(released.s_successes[0]);
    assert_null(released.s_uses);
    assert_ptr_equal(released.s_calls, own.s_uses);
    assert_ptr_equal(released.s_calls + CELLS, (char *)region->s_base + region->size);
    region->size = s_header->id.size = control_released_size(shape) - CACHE_LINE;
    assert_int_equal(control_adopt(region, shape, 7, &released), SHM_CORRUPT);
}

static void every_part_lies_within_the_object_and_on_no_other(void **state)
{
    const struct region *region = *state;
    struct control control;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_OK);
    const struct {
        void *s_part;
        size_t size;
    } parts[] = {
        {control.s_header, HEADER_BYTES},
        {control.s_lookups, LOOKUP_CELLS * sizeof(*control.s_lookups)},
        {control.s_misses, MISS_CELLS * sizeof(*control.s_misses)},
        {control.stale.s_words[0], control.stale.words[0] * sizeof(uint64_t)},
        {control.stale.s_words[1], control.stale.words[1] * sizeof(uint64_t)},
        {control.stale.s_words[2], control.stale.words[2] * sizeof(uint64_t)},
        {control.s_probes, SLOTS * sizeof(*control.s_probes)},
        {control.reported.s_words[0], control.reported.words[0] * sizeof(uint64_t)},
        {control.reported.s_words[1], control.reported.words[1] * sizeof(uint64_t)},
        {control.reported.s_words[2], control.reported.words[2] * sizeof(uint64_t)},
        {control.s_uses, USE_CELLS * sizeof(*control.s_uses)},
        {control.s_successes[0], CELLS * sizeof(uint64_t)},
        {control.s_successes[1], CELLS * sizeof(uint64_t)},
        {control.s_successes[CALL_SHARDS - 1], CELLS * sizeof(uint64_t)},
        {control.s_calls, CELLS * sizeof(*control.s_calls)},
    };
    memset(region->s_base, 0, region->size);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const char *s_part = parts[i].s_part;
        assert_true(s_part >= (char *)region->s_base);
        assert_true(s_part + parts[i].size <= (char *)region->s_base + region->size);
        assert_int_equal((uintptr_t)s_part % CACHE_LINE, 0);
        for (size_t at = 0; at < parts[i].size; at++)
            assert_int_equal(s_part[at], 0);
        memset(parts[i].s_part, 1, parts[i].size);
    }
}

static void lookup_counts_are_the_sums_of_all_cells(void **state)
{
    const struct region *region = *state;
    struct control control;
    assert_int_equal(control_attach(region, shape, 7, &control), SHM_OK);
    for (uint32_t i = 0; i < LOOKUP_CELLS; i++) {
        store_relaxed(&control.s_lookups[i].lookups, 100);
        store_relaxed(&control.s_lookups[i].missed, 10);
        store_relaxed(&control.s_lookups[i].expired, 1);
    }
    struct lookup_counts counts = control_lookups(&control);
    assert_int_equal(counts.lookups, 100 * LOOKUP_CELLS);
    assert_int_equal(counts.missed, 10 * LOOKUP_CELLS);
    assert_int_equal(counts.expired, LOOKUP_CELLS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_are_where_layout_h_draws_them),
        TEST(an_object_too_short_or_of_another_generation_is_refused),
        TEST(g5_g11_an_object_of_the_released_layout_has_neither_shards_nor_samples),
        TEST(every_part_lies_within_the_object_and_on_no_other),
        TEST(lookup_counts_are_the_sums_of_all_cells),
    };
    return cmocka_run_group_tests_name("unit/shm/control", tests, NULL, NULL);
}
