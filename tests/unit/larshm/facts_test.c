/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "tests/support/noise.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/route.h"

enum {
    BUCKETS = 64,
    UNITS = 256,
    NOISES = 300,
};

/* A routes object in private memory, of exactly its size, so that a sanitizer sees every step outside. */
static struct instance object_new(void)
{
    size_t size = routes_size(BUCKETS, UNITS);
    struct routes_header *header =
        aligned_alloc(HEADER_BYTES, (size + HEADER_BYTES - 1) & ~(HEADER_BYTES - 1UL));
    assert_non_null(header);
    memset(header, 0, size);
    header->id = (struct object_id){ROUTES_MAGIC, LAYOUT_VERSION, layout_fingerprint(), size, 1};
    routes_lay_out(header, BUCKETS, UNITS, 1);
    struct instance object = {.name = "none-of-this-name"};
    object.region = (struct region){.s_base = header, .size = size};
    assert_int_equal(object_names(object.name, &object.names), SHM_OK);
    assert_int_equal(routes_attach(&object.region, &object.routes), SHM_OK);
    return object;
}

static int count(void *context, const struct route *route)
{
    assert_true(route->host_count <= HOSTS_MAX);
    assert_true(route->condition < ROUTE_CONDITIONS);
    ++*(unsigned long *)context;
    return 0;
}

/* Refs and stamps that agree, so that counts, times and hosts of the noise are believed as far as they can be. */
static void make_refs_agree(const struct routes *routes, uint64_t *seed)
{
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot++) {
        uint64_t ref = ref_make(slot + 1, (uint32_t)(noise(seed) % UNITS));
        struct block *block = routes_block(routes, ref_unit(ref));
        store_relaxed(&routes_slot(routes, slot)->ref, ref);
        store_relaxed(&block->stamp, ref);
        store_relaxed(&block->key, ~load_relaxed(&routes_slot(routes, slot)->key));
        store_relaxed(&block->count, (uint16_t)(noise(seed) % 2048));
    }
}

static void an_object_full_of_noise_is_walked_within_its_bounds(void **state)
{
    (void)state;
    struct instance object = object_new();
    const struct routes *routes = &object.routes;
    unsigned long believed = 0, refused = 0;
    uint64_t seed = 1;
    for (int i = 0; i < NOISES; i++) {
        noise_fill(routes->s_buckets, BUCKETS * sizeof(struct bucket), &seed);
        noise_fill(routes->s_arena, UNITS * UNIT_BYTES, &seed);
        if (i % 2)
            make_refs_agree(routes, &seed);
        unsigned long seen = 0, damaged = 0;
        struct check_report report;
        assert_int_equal(route_walk(routes, count, &seen, &damaged), 0);
        assert_int_equal(seen + damaged, BUCKETS * BUCKET_SLOTS);
        unsigned long seen_again = 0, damaged_again = 0;
        assert_int_equal(route_walk_unsorted(routes, count, &seen_again, &damaged_again), 0);
        assert_int_equal(seen_again, seen);
        assert_int_equal(damaged_again, damaged);
        assert_int_equal(check_routes(routes, &report), SHM_CORRUPT);
        assert_true(strlen(report.text) > 0);
        believed += seen;
        refused += damaged;
    }
    assert_true(believed > 0 && refused > 0);
    free(object.region.s_base);
}

static void facts_of_a_noisy_header_are_within_their_ranges(void **state)
{
    (void)state;
    struct instance object = object_new();
    uint64_t seed = 2;
    for (int i = 0; i < NOISES; i++) {
        struct facts facts;
        noise_fill((char *)object.region.s_base + offsetof(struct routes_header, tick),
                   sizeof(struct routes_header) - offsetof(struct routes_header, tick), &seed);
        assert_int_equal(facts_read(&object, &facts), 0);
        assert_true(facts.fetcher < FETCHER_LIVES);
        assert_true(facts.connection <= CONNECTION_WAITING);
        assert_true(facts.refusing <= REFUSING_SYSTEM);
        assert_true(facts.units_free <= facts.units);
        uint64_t aged = 0, counted = 0;
        for (int bucket = 0; bucket < AGE_BUCKETS; bucket++)
            aged += facts.ages[bucket];
        for (int condition = 0; condition < ROUTE_CONDITIONS; condition++)
            counted += facts.routes[condition];
        assert_int_equal(aged, counted);
        assert_true(strlen(facts.directory) < DIRECTORY_NAME);
    }
    free(object.region.s_base);
}

static void limit_names_the_keys_to_change(void **state)
{
    (void)state;
    struct facts facts = {.refusing = REFUSING_NOTHING};
    assert_false(limit_reached(&facts));
    assert_string_equal(limit_text(&facts).is, "none reached");
    facts.counters[COUNTER_directory_reached] = 1;
    assert_true(limit_reached(&facts));
    assert_non_null(strstr(limit_text(&facts).is, "directory is too slow"));
    assert_non_null(strstr(limit_text(&facts).is, "raise [loadbalance] update_timeout"));
    facts.counters[COUNTER_rate_reached] = 1;
    assert_true(limit_reached(&facts));
    assert_non_null(strstr(limit_text(&facts).is, "raise [fetcher] requests_per_second"));
    facts.counters[COUNTER_replaced_reached] = 1;
    assert_true(limit_reached(&facts));
    assert_non_null(strstr(limit_text(&facts).is, "programs hold too many replaced ones"));
    facts.counters[COUNTER_cells_reached] = 1;
    assert_true(limit_reached(&facts));
    assert_non_null(strstr(limit_text(&facts).is, "REFUSING results"));
    facts.refusing = REFUSING_MAX_BYTES;
    assert_true(limit_reached(&facts));
    assert_non_null(strstr(limit_text(&facts).is, "raise [shm] max_bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_names_the_keys_to_change),
        cmocka_unit_test(an_object_full_of_noise_is_walked_within_its_bounds),
        cmocka_unit_test(facts_of_a_noisy_header_are_within_their_ranges),
    };
    return cmocka_run_group_tests_name("unit/larshm/facts", tests, NULL, NULL);
}
