/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "shm/writer/arena.h"
#include "tests/support/instance.h"

enum {
    UNITS = 2000,
    GRACE_MS = 100,
    BLOCKS = 200
};

static void g4_a_block_is_not_given_out_again_before_its_grace_is_over(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 3, GRACE_MS);
    uint32_t unit = arena_take(&arena, 3, 1000);
    assert_int_not_equal(unit, ARENA_NONE);
    arena_retire(&arena, unit, 3, 1000);
    assert_int_equal(arena_take(&arena, 3, 1000), ARENA_NONE);
    /* At an equal tick part of a millisecond may still be to come. */
    assert_int_equal(arena_take(&arena, 3, 1000 + GRACE_MS), ARENA_NONE);
    assert_int_equal(arena_take(&arena, 3, 1000 + GRACE_MS + 1), unit);
    arena_free(&arena);
}

static void a_full_arena_says_so_and_recovers(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 10, GRACE_MS);
    assert_int_equal(arena_take(&arena, 11, 0), ARENA_NONE);
    assert_int_equal(arena_take(&arena, 10, 0), 0);
    assert_int_equal(arena_take(&arena, 1, 0), ARENA_NONE);
    assert_int_equal(arena.live, 10);
    arena_retire(&arena, 0, 10, 0);
    assert_int_equal(arena.waiting, 10);
    /* A longer free block is cut in two. */
    assert_int_not_equal(arena_take(&arena, 4, 1000), ARENA_NONE);
    assert_int_not_equal(arena_take(&arena, 6, 1000), ARENA_NONE);
    assert_int_equal(arena_take(&arena, 1, 1000), ARENA_NONE);
    assert_int_equal(arena.live, 10);
    assert_int_equal(arena.waiting, 0);
    arena_free(&arena);
}

static void an_empty_arena_has_nothing(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 0, GRACE_MS);
    assert_int_equal(arena_take(&arena, 1, 0), ARENA_NONE);
    arena_free(&arena);
    arena_free(&arena);
}

/* Takes and retires blocks of all lengths at random: no two that are live or in their grace ever overlap. */
static void a_block_that_is_given_back_has_no_grace(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10, 1000);
    assert_int_equal(arena_take(&arena, 10, 0), 0);
    assert_int_equal(arena_take(&arena, 10, 0), ARENA_NONE);
    arena_give_back(&arena, 0, 10);
    assert_int_equal(arena.live, 0);
    assert_int_equal(arena_take(&arena, 4, 0), 0);
    assert_int_equal(arena_take(&arena, 6, 0), 4);
    assert_int_equal(arena.live, 10);
    arena_free(&arena);
}

static void blocks_in_use_never_overlap(void **state)
{
    static const uint32_t lengths[] = {1, 2, 3, 5, 8, 13, 40, 1};
    struct arena arena;
    uint64_t free_at[UNITS]; /* tick from which the unit may be used again; UINT64_MAX: live */
    struct {
        uint32_t unit, length;
    } blocks[BLOCKS] = {{0, 0}};
    uint64_t taken = 0, refused = 0, now = 1;
    (void)state;
    memset(free_at, 0, sizeof(free_at));
    arena_init(&arena, UNITS, GRACE_MS);
    for (uint64_t step = 0; step < 200000; step++, now += step % 3 == 0) {
        uint64_t random = hash_word(step, 42);
        uint32_t at = (uint32_t)(random % BLOCKS), length = lengths[random >> 40 & 7];
        if (blocks[at].length) {
            arena_retire(&arena, blocks[at].unit, blocks[at].length, now);
            for (uint32_t i = 0; i < blocks[at].length; i++)
                free_at[blocks[at].unit + i] = now + GRACE_MS + 1;
            blocks[at].length = 0;
            continue;
        }
        uint32_t unit = arena_take(&arena, length, now);
        if (unit == ARENA_NONE) {
            refused++;
            continue;
        }
        taken++;
        assert_true(unit < UNITS && length <= UNITS - unit);
        for (uint32_t i = 0; i < length; i++) {
            assert_true(free_at[unit + i] <= now);
            free_at[unit + i] = UINT64_MAX;
        }
        blocks[at].unit = unit;
        blocks[at].length = length;
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < BLOCKS; i++)
        live += blocks[i].length;
    assert_int_equal(arena.live, live);
    assert_true(taken > refused && refused > 0);
    arena_free(&arena);
}

static void a_block_is_as_long_as_its_hosts_need(void **state)
{
    (void)state;
    assert_int_equal(block_units(0), 1);
    assert_int_equal(block_units(4), 1);
    assert_int_equal(block_units(5), 2);
    assert_int_equal(block_units(14), 2);
    assert_int_equal(block_units(15), 3);
    assert_true(block_units(HOSTS_MAX) <= BLOCK_UNITS_MAX);
    for (uint32_t count = 0; count <= HOSTS_MAX; count++) {
        const struct block *s_block = (const struct block *)(uintptr_t)CACHE_LINE;
        uintptr_t end = (uintptr_t)(block_ports(s_block, count) + count) - CACHE_LINE;
        assert_true(end <= (uintptr_t)block_units(count) * UNIT_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g4_a_block_is_not_given_out_again_before_its_grace_is_over),
        cmocka_unit_test(a_full_arena_says_so_and_recovers),
        cmocka_unit_test(an_empty_arena_has_nothing),
        cmocka_unit_test(a_block_that_is_given_back_has_no_grace),
        cmocka_unit_test(blocks_in_use_never_overlap),
        cmocka_unit_test(a_block_is_as_long_as_its_hosts_need),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/arena", tests, NULL, NULL);
}
