/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/reader/demand.h"
#include "shm/writer/collect.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    SLOTS = 100000,
    CELLS = 100,
    RAISERS = 3,
    RAISES = 60000,
};

static const struct control_shape shape = {SLOTS, CELLS, 0};

struct fixture {
    struct region region;
    struct control control;
    uint32_t flag_cursor, miss_cursor;
    uint8_t seen[SLOTS + 64];
    uint32_t calls, allowed; /* a round of misses ends with so many */
    uint64_t keys[MISS_CELLS];
};

/* A control object in this process's own memory, exactly as long as it has to be. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    fixture->region.size = control_size(shape);
    fixture->region.s_base = aligned_alloc(CACHE_LINE, fixture->region.size);
    fixture->allowed = UINT32_MAX;
    if (!fixture->region.s_base)
        return -1;
    memset(fixture->region.s_base, 0, fixture->region.size);
    control_format(&fixture->region, shape, 7);
    *state = fixture;
    return control_attach(&fixture->region, shape, 7, &fixture->control) == SHM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->region.s_base);
    free(fixture);
    return 0;
}

static void see(struct fixture *fixture, uint32_t slot)
{
    if (slot >= SLOTS)
        fail_msg("slot %u does not exist", slot);
    if (fixture->seen[slot] < UINT8_MAX)
        fixture->seen[slot]++;
    fixture->calls++;
}

static uint32_t collect(struct fixture *fixture, uint32_t budget)
{
    uint32_t slot;
    struct flag_round round = flag_round_begin(&fixture->control.stale, fixture->flag_cursor);
    for (fixture->calls = 0; fixture->calls < budget && flag_round_next(&round, &slot);)
        see(fixture, slot);
    fixture->flag_cursor = flag_round_end(&round);
    return fixture->calls;
}

static void a_flag_is_collected_once(void **state)
{
    static const uint32_t slots[] = {0, 1, 63, 64, 4095, 4096, 65535, 65536, SLOTS - 1};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
        for (int again = 0; again < 3; again++)
            demand_refresh(&fixture->control, slots[i]);
    assert_int_equal(collect(fixture, UINT32_MAX), sizeof(slots) / sizeof(*slots));
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
        assert_int_equal(fixture->seen[slots[i]], 1);
    assert_int_equal(collect(fixture, UINT32_MAX), 0);
}

static void what_the_budget_leaves_over_stays_up(void **state)
{
    struct fixture *fixture = *state;
    uint32_t total = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        demand_refresh(&fixture->control, slot);
    for (uint32_t calls = 1; calls; total += calls)
        assert_true((calls = collect(fixture, 1000)) <= 1000);
    assert_int_equal(total, SLOTS);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        assert_int_equal(fixture->seen[slot], 1);
}

static void a_round_that_ends_within_a_word_leaves_the_rest_of_it_up(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        demand_refresh(&fixture->control, slot);
    assert_int_equal(collect(fixture, 10), 10);
    assert_int_equal(collect(fixture, 60), 60);
    for (uint32_t slot = 0; slot < 70; slot++)
        assert_int_equal(fixture->seen[slot], 1);
    assert_int_equal(collect(fixture, UINT32_MAX), SLOTS - 70);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        assert_int_equal(fixture->seen[slot], 1);
}

/* A client that finds its bit set does not set the levels above: what is put back must be found from there. */
static void what_is_put_back_is_found_though_its_client_does_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    demand_refresh(&fixture->control, 5);
    demand_refresh(&fixture->control, 6);
    for (uint32_t slot = 5; slot <= 6; slot++) {
        assert_int_equal(collect(fixture, 1), 1);
        assert_int_equal(fixture->seen[slot], 1);
    }
    assert_int_equal(collect(fixture, 1), 0);
}

static void no_slot_starves_under_a_tiny_budget(void **state)
{
    struct fixture *fixture = *state;
    uint32_t words = (SLOTS + 63) / 64;
    /* Flags are raised again without pause, and each round yields as many as a word has. */
    for (uint32_t i = 0; i < words; i++) {
        for (uint32_t slot = i % 64; slot < SLOTS; slot += 64)
            demand_refresh(&fixture->control, slot);
        collect(fixture, 64);
    }
    for (uint32_t word = 0; word < words; word++) {
        uint32_t seen = 0;
        for (uint32_t slot = word * 64; slot < word * 64 + 64; slot++)
            seen += fixture->seen[slot];
        assert_true(seen > 0);
    }
}

static void a_client_killed_between_two_levels_blocks_no_other(void **state)
{
    struct fixture *fixture = *state;
    /* It raised the flag of slot 700, and died before it raised the levels above. */
    set_bits_acq_rel(&fixture->control.stale.s_words[0][700 / 64], UINT64_C(1) << 700 % 64);
    assert_int_equal(collect(fixture, UINT32_MAX), 0);
    demand_refresh(&fixture->control, 700);
    assert_int_equal(collect(fixture, UINT32_MAX), 1);
    /* And one that got as far as the second level. */
    set_bits_acq_rel(&fixture->control.stale.s_words[0][700 / 64], UINT64_C(1) << 700 % 64);
    set_bits_acq_rel(&fixture->control.stale.s_words[1][700 / 4096], UINT64_C(1) << 700 / 64 % 64);
    demand_refresh(&fixture->control, 701);
    assert_int_equal(collect(fixture, UINT32_MAX), 2);
    assert_int_equal(fixture->seen[700], 2);
    assert_int_equal(fixture->seen[701], 1);
}

static uint32_t collect_keys(struct fixture *fixture)
{
    struct route_key key;
    struct miss_round round = miss_round_begin(&fixture->control, fixture->miss_cursor);
    for (fixture->calls = 0; fixture->calls < fixture->allowed && miss_round_next(&round, &key);
         fixture->calls++)
        fixture->keys[fixture->calls % MISS_CELLS] = route_key_number(key);
    fixture->miss_cursor = miss_round_end(&round);
    return fixture->calls;
}

static void a_miss_is_collected_once(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t keys[] = {0, 1, UINT64_MAX - 1};
    for (int i = 0; i < 3; i++) {
        demand_route(&fixture->control, numbered_key(keys[i]));
        demand_route(&fixture->control, numbered_key(keys[i]));
        assert_int_equal(collect_keys(fixture), 1);
        assert_int_equal(fixture->keys[0], keys[i]);
        assert_int_equal(collect_keys(fixture), 0);
    }
}

static void misses_that_a_round_left_come_next_time(void **state)
{
    struct fixture *fixture = *state;
    uint32_t rounds = 0, total = 0, once;
    for (uint64_t key = 0; key < 1000; key++)
        demand_route(&fixture->control, numbered_key(key));
    fixture->allowed = 7;
    for (; (once = collect_keys(fixture)) > 0 && rounds < 1000; rounds++) {
        assert_true(once <= 7);
        total += once;
    }
    assert_in_range(total, 900, 1000);
    assert_true(rounds > 10);
}

static void a_client_killed_before_it_raised_the_summary_blocks_no_other(void **state)
{
    struct fixture *fixture = *state;
    demand_route(&fixture->control, numbered_key(5));
    store_relaxed(&fixture->control.s_header->miss_summary[0], 0);
    assert_int_equal(collect_keys(fixture), 0);
    demand_route(&fixture->control, numbered_key(5));
    assert_int_equal(collect_keys(fixture), 1);
}

static void g8_noise_is_collected_in_bounds_and_in_bounded_time(void **state)
{
    struct fixture *fixture = *state;
    _Atomic uint64_t *s_words = fixture->region.s_base;
    struct route_use uses[USE_CELLS];
    for (uint64_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < fixture->region.size / 8; i++)
            store_relaxed(&s_words[i], round == 0 ? UINT64_MAX : hash_word(i, round));
        assert_in_range(collect(fixture, 1000), 1, 1000);
        assert_in_range(collect(fixture, UINT32_MAX), 0, SLOTS);
        assert_in_range(collect_keys(fixture), 0, MISS_CELLS);
        assert_in_range(collect_uses(&fixture->control, uses), 0, USE_CELLS);
        collect_lookups(&fixture->control);
        demand_refresh(&fixture->control, SLOTS - 1);
        demand_route(&fixture->control, numbered_key(round));
    }
}

struct raiser {
    pthread_t thread;
    struct fixture *fixture;
    uint32_t number;
};

/* Raises a flag and notes it, over and over: a collection afterwards must find it. */
static void *raise_flags(void *context)
{
    const struct raiser *raiser = context;
    for (uint32_t i = 0; i < RAISES; i++) {
        uint32_t slot = (uint32_t)(hash_word(i, raiser->number) % SLOTS);
        demand_refresh(&raiser->fixture->control, i % 4 ? slot : slot / 4096);
        demand_route(&raiser->fixture->control, numbered_key(slot));
    }
    return NULL;
}

static void flags_raised_while_others_are_collected_are_not_lost(void **state)
{
    struct fixture *fixture = *state;
    struct raiser raisers[RAISERS];
    for (uint32_t round = 0; round < 3; round++) {
        memset(fixture->seen, 0, sizeof(fixture->seen));
        for (uint32_t i = 0; i < RAISERS; i++) {
            raisers[i] = (struct raiser){.fixture = fixture, .number = i + round * RAISERS};
            assert_int_equal(pthread_create(&raisers[i].thread, NULL, raise_flags, &raisers[i]), 0);
        }
        for (int i = 0; i < 2000; i++) {
            collect(fixture, i % 2 ? 10 : UINT32_MAX);
            collect_keys(fixture);
        }
        for (uint32_t i = 0; i < RAISERS; i++)
            pthread_join(raisers[i].thread, NULL);
        collect(fixture, UINT32_MAX);
        collect_keys(fixture);
        /* Nothing stays up unseen by the levels above. */
        for (uint32_t word = 0; word < fixture->control.stale.words[0]; word++)
            assert_true(load_relaxed(&fixture->control.stale.s_words[0][word]) == 0);
        for (uint32_t cell = 0; cell < MISS_CELLS; cell++)
            assert_true(load_relaxed(&fixture->control.s_misses[cell]) == 0);
        for (uint32_t i = 0; i < RAISERS; i++)
            for (uint32_t k = 0; k < RAISES; k++) {
                uint32_t slot = (uint32_t)(hash_word(k, raisers[i].number) % SLOTS);
                slot = k % 4 ? slot : slot / 4096;
                assert_true(fixture->seen[slot] > 0);
            }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_flag_is_collected_once),
        TEST(what_the_budget_leaves_over_stays_up),
        TEST(a_round_that_ends_within_a_word_leaves_the_rest_of_it_up),
        TEST(what_is_put_back_is_found_though_its_client_does_nothing_more),
        TEST(no_slot_starves_under_a_tiny_budget),
        TEST(a_client_killed_between_two_levels_blocks_no_other),
        TEST(a_miss_is_collected_once),
        TEST(misses_that_a_round_left_come_next_time),
        TEST(a_client_killed_before_it_raised_the_summary_blocks_no_other),
        TEST(g8_noise_is_collected_in_bounds_and_in_bounded_time),
        TEST(flags_raised_while_others_are_collected_are_not_lost),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/collect", tests, NULL, NULL);
}
