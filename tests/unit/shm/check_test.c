/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <larshm/larshm.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/index.h"
#include "shm/reader/lookup_fast.h"
#include "shm/table.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEYS = 300,
    IMAGES = 1500, /* of each kind */
    DAMAGES = 9,
    TOO_MANY_HOSTS = 4, /* of these */
};

/* A private copy of an instance's routes object; damage to it changes no object. */
struct copy {
    struct region region;
    struct routes routes;
};

static void put_keys(struct instance *instance)
{
    for (uint64_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, (uint32_t)key, (uint32_t)(key % 20 + 1), 15);
}

static struct copy copy_of(const struct instance *instance)
{
    struct region region;
    struct routes routes;
    struct copy copy;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    copy.region.size = region.size;
    copy.region.s_base = aligned_alloc(CACHE_LINE, region.size);
    assert_non_null(copy.region.s_base);
    memcpy(copy.region.s_base, region.s_base, region.size);
    region_close(&region);
    assert_int_equal(routes_attach(&copy.region, &copy.routes), SHM_OK);
    return copy;
}

static struct slot *slot_of(const struct routes *routes, uint64_t key)
{
    uint32_t slot = index_find(routes, numbered_key(key));
    assert_int_not_equal(slot, SLOT_NONE);
    return routes_slot(routes, slot);
}

static struct block *block_of(const struct routes *routes, uint64_t key)
{
    return routes_block(routes, ref_unit(load_relaxed(&slot_of(routes, key)->ref)));
}

/* Leads the key's slot to a table with this ref. */
static void restamp(const struct routes *routes, uint64_t key, uint64_t ref)
{
    store_relaxed(&block_of(routes, key)->stamp, ref);
    store_relaxed(&slot_of(routes, key)->ref, ref);
}

/* Damage number `kind`, and the word that the report must hold. */
static const char *damage(const struct routes *routes, int kind)
{
    struct slot *s_slot = slot_of(routes, 7);
    struct block *s_block = block_of(routes, 7);
    uint64_t ref = load_relaxed(&s_slot->ref);
    switch (kind) {
    case 0:
        store_relaxed(&s_slot->ref, 0);
        return "does not lead";
    case 1:
        store_relaxed(&s_slot->ref, ref_make(ref_version(ref), routes->arena_units));
        return "does not lead";
    case 2:
        store_relaxed(&s_block->stamp, ref + (UINT64_C(1) << REF_UNIT_BITS));
        return "does not lead";
    case 3:
        store_relaxed(&s_block->key, 8);
        return "does not lead";
    case 4:
        store_relaxed(&s_block->count, HOSTS_MAX + 1);
        return "does not lead";
    case 5:
        store_relaxed(&s_block->count, 5000); /* over the tables behind it */
        return "overlap";
    case 6: {
        uint64_t drawn = load_relaxed(&routes->s_header->version);
        restamp(routes, 7, ref_make(drawn + 1, ref_unit(ref)));
        return "never drawn";
    }
    case 7:
        restamp(routes, 7, ref_make(ref_version(load_relaxed(&slot_of(routes, 8)->ref)), ref_unit(ref)));
        return "both have version";
    default: {
        uint64_t key =
            UINT64_C(0x123456789); /* or the first after it that is not looked for in this bucket */
        do
            store_relaxed(&s_slot->key, route_key_word(numbered_key(key)));
        while (index_find(routes, numbered_key(key++)) != SLOT_NONE);
        return "not reachable";
    }
    }
}

static void each_kind_of_damage_is_found(void **state)
{
    struct instance *instance = *state;
    struct check_report report;
    put_keys(instance);
    for (int kind = -1; kind < DAMAGES; kind++) {
        struct copy copy = copy_of(instance);
        const char *expected = kind < 0 ? "" : damage(&copy.routes, kind);
        assert_int_equal(check_routes(&copy.routes, &report), kind < 0 ? SHM_OK : SHM_CORRUPT);
        if (!strstr(report.text, expected))
            fail_msg("damage %d: \"%s\"", kind, report.text);
        if (kind < 0)
            assert_int_equal(report.keys, KEYS);
        free(copy.region.s_base);
    }
}

static void a_key_twice_in_the_index_is_found(void **state)
{
    struct instance *instance = *state;
    struct check_report report;
    uint32_t empty;
    put_keys(instance);
    struct copy copy = copy_of(instance);
    const struct slot *s_slot = slot_of(&copy.routes, 7);
    /* The first empty slot after the key's own place. */
    for (empty = index_find(&copy.routes, numbered_key(7));
         load_relaxed(&routes_slot(&copy.routes, empty)->key);)
        empty = (empty + 1) % routes_slot_count(&copy.routes);
    store_relaxed(&routes_slot(&copy.routes, empty)->ref, load_relaxed(&s_slot->ref));
    store_relaxed(&routes_slot(&copy.routes, empty)->key, route_key_word(numbered_key(7)));
    assert_int_equal(check_routes(&copy.routes, &report), SHM_CORRUPT);
    free(copy.region.s_base);
}

/* What a client does with a slot, as far as a client can get. */
static void look_up(const struct routes *routes, uint64_t key)
{
    static struct host_addr hosts[HOSTS_MAX];
    struct fast_table fast;
    struct table table;
    if (lookup_fast(routes, numbered_key(key), &fast)) {
        uint64_t count = fast_table_count(&fast);
        assert_true(count > INNER_HOSTS ||
                    (const char *)fast.s_block + BLOCK_BYTES(count) <= (const char *)routes->s_end);
        block_intact(fast.s_block, fast.ref);
    }
    uint32_t slot = index_find(routes, numbered_key(key));
    if (slot == SLOT_NONE || table_begin(routes, slot, numbered_key(key), &table) != SHM_OK)
        return;
    assert_true(table.count <= HOSTS_MAX);
    table_hosts(&table, hosts);
    table_fetched(&table);
    table_intact(&table);
}

static void survey(const struct routes *routes)
{
    struct check_report report;
    for (uint64_t key = 0; key <= 20; key++)
        look_up(routes, key);
    look_up(routes, UINT64_MAX);
    /* Keys that are really there. */
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot += 3)
        look_up(routes, ~load_relaxed(&routes_slot(routes, slot)->key));
    check_routes(routes, &report);
}

static void lookups_in_a_damaged_object_end_within_it(void **state)
{
    struct instance *instance = *state;
    put_keys(instance);
    struct copy good = copy_of(instance), bad = copy_of(instance);
    for (uint64_t image = 0; image < IMAGES; image++) {
        /* Some words of the index and of the used part of the arena become random, or near to what they were. */
        _Atomic uint64_t *s_words = bad.region.s_base;
        uint64_t first = HEADER_BYTES / 8, used = routes_arena_offset(bad.routes.bucket_count) / 8 + 1200 * 8;
        uint64_t damaged[64];
        for (uint64_t i = 0; i < 64; i++) {
            uint64_t random = hash_word(i, image), at = first + random % (used - first);
            uint64_t old = load_relaxed(&s_words[at]);
            store_relaxed(&s_words[at], random >> 62 ? old ^ UINT64_C(1) << (random >> 56) % 64 : random);
            damaged[i] = at;
        }
        survey(&bad.routes);
        for (int i = 0; i < 64; i++)
            store_relaxed(&s_words[damaged[i]],
                          load_relaxed(&((_Atomic uint64_t *)good.region.s_base)[damaged[i]]));
    }
    free(good.region.s_base);
    free(bad.region.s_base);
}

static void random_bytes_are_refused_or_looked_up_within_bounds(void **state)
{
    (void)state;
    for (uint64_t image = 0; image < IMAGES; image++) {
        uint32_t buckets = (uint32_t)(hash_word(image, 1) % 8 + 1),
                 units = (uint32_t)(hash_word(image, 2) % 64);
        struct region region = {.size = routes_size(buckets, units)};
        struct routes routes;
        region.s_base = aligned_alloc(CACHE_LINE, region.size);
        assert_non_null(region.s_base);
        uint64_t *words = region.s_base;
        for (uint64_t i = 0; i < region.size / 8; i++)
            words[i] = hash_word(i, image);
        struct routes_header *s_header = region.s_base;
        assert_int_equal(routes_attach(&region, &routes), SHM_NOT_LARSHM);
        s_header->id.magic = ROUTES_MAGIC;
        assert_int_equal(routes_attach(&region, &routes), SHM_LAYOUT);
        s_header->id.layout_version = LAYOUT_VERSION;
        s_header->id.fingerprint = layout_fingerprint();
        assert_int_not_equal(routes_attach(&region, &routes), SHM_OK);
        s_header->id.size = region.size;
        assert_int_equal(routes_attach(&region, &routes), SHM_CORRUPT);
        /* Only the geometry makes sense; refs are given a chance to hit the arena, stamps to agree. */
        routes_lay_out(s_header, buckets, units, 1);
        assert_int_equal(routes_attach(&region, &routes), SHM_OK);
        for (uint32_t slot = 0; units && slot < routes_slot_count(&routes); slot++) {
            struct slot *s_slot = routes_slot(&routes, slot);
            uint32_t unit = (uint32_t)(hash_word(slot, image) % units);
            uint64_t key = slot % 5 ? slot : UINT64_MAX, ref = ref_make(slot + 1, unit);
            store_relaxed(&s_slot->key, route_key_word(numbered_key(key)));
            store_relaxed(&s_slot->ref, ref);
            store_relaxed(&routes_block(&routes, unit)->stamp, ref);
            store_relaxed(&routes_block(&routes, unit)->key, key);
            if (slot % 2)
                store_relaxed(&routes_block(&routes, unit)->count, (uint16_t)(slot * 3));
        }
        survey(&routes);
        free(region.s_base);
    }
}

static void g9_a_client_survives_damage_under_its_feet(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    larshm *h = NULL;
    put_keys(instance);
    h = client_open(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    for (int kind = 0; kind < DAMAGES; kind++) {
        larshm_host host;
        larshm_view view;
        larshm_route_info info;
        damage(&routes, kind);
        int code = larshm_get_host(h, 0, 7, &host);
        assert_true(code == LARSHM_OK || code == LARSHM_CORRUPT || code == LARSHM_PENDING);
        if (kind == TOO_MANY_HOSTS)
            assert_int_equal(code, LARSHM_CORRUPT);
        if (larshm_route_begin(h, 0, 7, &view) == LARSHM_OK)
            larshm_route_end(h, &view);
        larshm_info(h, 0, 7, &info);
        assert_int_equal(larshm_get_host(h, 0, 9, &host), LARSHM_OK);
        /* The next fetcher leaves out what makes no sense and keeps the rest. */
        instance_stop(instance);
        instance_start(instance);
        instance_put(instance, 7, 7, 8, 15);
        assert_int_equal(larshm_get_host(h, 0, 7, &host), LARSHM_OK);
        region_close(&region);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    }
    region_close(&region);
    larshm_close(h);
}

static void g5_adoption_keeps_what_is_whole_of_a_damaged_object(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    put_keys(instance);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    for (uint64_t key = 10; key <= KEYS; key += 10)
        store_relaxed(&block_of(&routes, key)->stamp, key);
    region_close(&region);
    instance_start(instance);
    assert_int_equal(instance_next_event(instance), EVENT_ADOPTED);
    assert_true(instance->event.number[2] > 0);
    larshm *h = NULL;
    larshm_host hosts[20];
    size_t count;
    h = client_open(instance);
    for (uint32_t key = 1; key <= KEYS; key++) {
        uint32_t round = UINT32_MAX;
        int code = larshm_get_route(h, 0, key, hosts, 20, &count);
        assert_int_equal(code, key % 10 ? LARSHM_OK : LARSHM_PENDING);
        for (uint32_t i = 0; code == LARSHM_OK && i < count; i++)
            assert_true(
                self_checking_holds(key, i, (struct host_addr){hosts[i].addr, hosts[i].port}, &round));
    }
    struct copy copy = copy_of(instance);
    struct check_report report;
    assert_int_equal(check_routes(&copy.routes, &report), SHM_OK);
    free(copy.region.s_base);
    larshm_close(h);
}

static void g5_adoption_survives_random_damage(void **state)
{
    struct instance *instance = *state;
    for (uint64_t image = 0; image < 60; image++) {
        struct region region;
        struct routes routes;
        put_keys(instance);
        instance_stop(instance);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
        _Atomic uint64_t *s_words = region.s_base;
        uint64_t first = offsetof(struct routes_header, tick) / 8;
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t random = hash_word(i, image + 1000);
            store_relaxed(&s_words[first + random % (region.size / 8 - first)], hash_word(random, i));
        }
        region_close(&region);
        instance_start(instance);
        instance_put(instance, 1, 1, 4, 15);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_damage_is_found),
        TEST(a_key_twice_in_the_index_is_found),
        TEST(lookups_in_a_damaged_object_end_within_it),
        TEST(random_bytes_are_refused_or_looked_up_within_bounds),
        TEST(g9_a_client_survives_damage_under_its_feet),
        TEST(g5_adoption_keeps_what_is_whole_of_a_damaged_object),
        TEST(g5_adoption_survives_random_damage),
    };
    return cmocka_run_group_tests_name("unit/shm/check", tests, NULL, NULL);
}
