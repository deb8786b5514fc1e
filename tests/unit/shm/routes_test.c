/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/object_id.h"
#include "shm/routes.h"

enum {
    BUCKETS = 4,
    UNITS = 8,
};

/* An empty routes object in this process's own memory. */
static int setup(void **state)
{
    struct region *region = calloc(1, sizeof(*region));
    if (!region)
        return -1;
    region->size = routes_size(BUCKETS, UNITS);
    region->s_base = aligned_alloc(CACHE_LINE, region->size);
    if (!region->s_base)
        return -1;
    memset(region->s_base, 0, region->size);
    struct routes_header *s_header = region->s_base;
    object_id_format(&s_header->id, ROUTES_MAGIC, region, 7);
    routes_lay_out(s_header, BUCKETS, UNITS, 1);
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

static void index_arena_and_ring_fill_the_object_to_its_end(void **state)
{
    const struct region *region = *state;
    struct routes routes;
    assert_int_equal(routes_attach(region, &routes), SHM_OK);
    assert_ptr_equal(routes_slot(&routes, 0), (char *)region->s_base + HEADER_BYTES);
    assert_ptr_equal(routes_slot(&routes, routes_slot_count(&routes)), routes_block(&routes, 0));
    assert_ptr_equal(routes_block(&routes, UNITS), routes.s_end);
    assert_ptr_equal(routes.s_end, routes.s_ring);
    assert_ptr_equal(routes.s_ring + routes.ring_mask + 1, (char *)region->s_base + region->size);
    assert_int_equal(routes.generation, 7);
}

static void an_object_of_another_kind_layout_or_size_is_refused_each_for_its_reason(void **state)
{
    struct region *region = *state;
    struct routes_header *s_header = region->s_base;
    struct routes routes;
    const struct object_id good = s_header->id;
    s_header->id.magic = CONTROL_MAGIC;
    assert_int_equal(routes_attach(region, &routes), SHM_NOT_LARSHM);
    s_header->id = good;
    s_header->id.layout_version++;
    assert_int_equal(routes_attach(region, &routes), SHM_LAYOUT);
    s_header->id = good;
    s_header->id.fingerprint++;
    assert_int_equal(routes_attach(region, &routes), SHM_LAYOUT);
    s_header->id = good;
    s_header->id.size++;
    assert_int_equal(routes_attach(region, &routes), SHM_SHORT);
    s_header->id.size = good.size - 1;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    s_header->parts_bytes = UINT64_MAX;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    s_header->parts_bytes = 0;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    s_header->parts_bytes = RING_BYTES;
    s_header->id = good;
    region->size--;
    assert_int_equal(routes_attach(region, &routes), SHM_SHORT);
    region->size = sizeof(struct object_id) - 1;
    assert_int_equal(routes_attach(region, &routes), SHM_SHORT);
}

static void parts_of_later_versions_may_be_before_and_behind_the_ring(void **state)
{
    const struct region *region = *state;
    struct routes_header *s_header = region->s_base;
    struct routes routes;
    s_header->arena_units--;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    s_header->parts_bytes += UNIT_BYTES;
    for (int before = 0; before < 2; before++) {
        assert_int_equal(routes_attach(region, &routes), SHM_OK);
        assert_ptr_equal(routes.s_end, (const char *)region->s_base + region->size - RING_BYTES - UNIT_BYTES);
        assert_ptr_equal(routes.s_ring, (const char *)region->s_base + s_header->ring_offset);
        s_header->ring_offset -= UNIT_BYTES;
    }
}

static void ring_that_does_not_fit_is_refused(void **state)
{
    static const uint32_t entries[] = {0,         3, RING_ENTRIES - 1, 2 * RING_ENTRIES, UINT32_C(1) << 31,
                                       UINT32_MAX};
    static const int64_t moves[] = {-8, -1, 1, 8, RING_BYTES, RING_BYTES + 8, INT64_MAX, INT64_MIN};
    const struct region *region = *state;
    struct routes_header *s_header = region->s_base;
    struct routes routes;
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        s_header->ring_entries = entries[i];
        assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    }
    s_header->ring_entries = RING_ENTRIES;
    uint64_t offset = s_header->ring_offset;
    for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
        s_header->ring_offset = offset + (uint64_t)moves[i];
        assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    }
    s_header->ring_offset = 0;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
}

static void a_geometry_that_does_not_fit_is_refused(void **state)
{
    static const uint32_t wrong[] = {0, 1, BUCKETS + 1, UINT32_C(1) << 31, UINT32_MAX};
    const struct region *region = *state;
    struct routes_header *s_header = region->s_base;
    struct routes routes;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        s_header->bucket_count = wrong[i];
        assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
        s_header->bucket_count = BUCKETS;
        s_header->arena_units = wrong[i];
        assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
        s_header->arena_units = UNITS;
    }
    s_header->call_cells = 0;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
    s_header->call_cells = CALL_CELLS_MAX + 1;
    assert_int_equal(routes_attach(region, &routes), SHM_CORRUPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(index_arena_and_ring_fill_the_object_to_its_end),
        TEST(an_object_of_another_kind_layout_or_size_is_refused_each_for_its_reason),
        TEST(parts_of_later_versions_may_be_before_and_behind_the_ring),
        TEST(ring_that_does_not_fit_is_refused),
        TEST(a_geometry_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("unit/shm/routes", tests, NULL, NULL);
}
