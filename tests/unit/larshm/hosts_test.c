/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/atomic.h"
#include "shm/object_id.h"
#include "tests/support/keys.h"
#include "tests/support/noise.h"
#include "tools/larshm/host_health.h"
#include "tools/larshm/hosts.h"

enum {
    RECORDS = 128,
    NOISES = 300,
};

static const struct key_range all = {{0, 0}, {UINT32_MAX, UINT32_MAX}};

/* A hosts object in private memory, of exactly its size, so that a sanitizer sees every step outside. */
struct object {
    struct region region;
    struct host_records hosts;
};

static struct object object_new(void)
{
    struct object object = {.region.size = host_records_size(RECORDS)};
    object.region.s_base =
        aligned_alloc(CACHE_LINE, (object.region.size + CACHE_LINE - 1) & ~(CACHE_LINE - 1UL));
    struct hosts_header *s_header = object.region.s_base;
    assert_non_null(s_header);
    memset(s_header, 0, object.region.size);
    object_id_format(&s_header->id, HOSTS_MAGIC, &object.region, 1);
    s_header->record_count = RECORDS;
    assert_int_equal(host_records_attach(&object.region, &object.hosts), SHM_OK);
    return object;
}

static void object_free(struct object *object)
{
    free(object->region.s_base);
}

static uint64_t word_of(const char *ip, uint16_t port)
{
    return host_addr_word((struct host_addr){inet_addr(ip), htons(port)});
}

static void put(struct object *object, uint64_t key, uint64_t host, uint64_t total_succ)
{
    uint32_t number = load_relaxed(&object->hosts.s_header->used);
    struct host_record *s_record = &object->hosts.s_records[number];
    const struct host_entry entry = {.health.total_succ = total_succ};
    uint64_t words[HOST_WORDS];
    memcpy(words, &entry, sizeof(words));
    for (int i = 0; i < HOST_WORDS; i++)
        store_relaxed(&s_record->halves[0][i], words[i]);
    store_relaxed(&s_record->host, host);
    store_relaxed(&s_record->key, route_key_word(numbered_key(key)));
    store_relaxed(&object->hosts.s_header->used, number + 1);
}

static void records_are_found_by_route_and_host_in_the_order_of_addresses(void **state)
{
    (void)state;
    struct object object = object_new();
    struct known_hosts known = {0};
    size_t count;
    uint64_t key = route_key_number(route_key(7, 8));
    put(&object, route_key_number(route_key(7, 9)), word_of("10.0.0.1", 80), 1);
    put(&object, key, word_of("200.0.0.1", 80), 2);
    put(&object, key, word_of("10.0.0.2", 81), 3);
    put(&object, key, 0, 4);
    put(&object, key, word_of("10.0.0.2", 80), 5);
    put(&object, route_key_number(route_key(0, 0)), word_of("10.0.0.1", 80), 6);
    assert_int_equal(known_hosts_copy(&object.hosts, all, &known), SHM_OK);
    assert_int_equal(known.count, 6);
    const struct known_host *of = known_hosts_of(&known, numbered_key(key), &count);
    const uint64_t order[] = {4, 5, 3, 2};
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(of[i].health.total_succ, order[i]);
    const struct host_addr host = {inet_addr("10.0.0.2"), htons(81)},
                           other = {inet_addr("10.0.0.2"), htons(82)};
    assert_int_equal(known_hosts_find(&known, numbered_key(key), host)->total_succ, 3);
    assert_null(known_hosts_find(&known, numbered_key(key), other));
    assert_null(known_hosts_find(&known, route_key(7, 10), host));
    assert_null(known_hosts_of(&known, route_key(7, 7), &count));
    assert_int_equal(count, 0);
    known_hosts_free(&known);

    assert_int_equal(
        known_hosts_copy(&object.hosts, (struct key_range){numbered_key(key), numbered_key(key)}, &known),
        SHM_OK);
    assert_int_equal(known.count, 4);
    known_hosts_free(&known);
    object_free(&object);
}

static void an_object_without_records_is_readable_and_knows_nothing(void **state)
{
    (void)state;
    struct object object = object_new();
    struct known_hosts known = {0};
    assert_int_equal(known_hosts_copy(&object.hosts, all, &known), SHM_OK);
    assert_true(known.readable);
    assert_null(known_hosts_find(&known, route_key(1, 2), (struct host_addr){1, 1}));
    known_hosts_free(&known);
    object_free(&object);
}

static void records_full_of_noise_are_read_within_their_bounds_and_can_be_shown(void **state)
{
    (void)state;
    struct object object = object_new();
    uint64_t seed = 3;
    size_t shown = 0;
    for (int i = 0; i < NOISES; i++) {
        struct known_hosts known = {0};
        noise_fill(object.hosts.s_records, RECORDS * sizeof(struct host_record), &seed);
        store_relaxed(&object.hosts.s_header->used, (uint32_t)noise(&seed));
        assert_int_equal(known_hosts_copy(&object.hosts, all, &known), SHM_OK);
        assert_true(known.count <= RECORDS);
        for (size_t at = 0; at < known.count; at++) {
            const struct host_health *health = &known.entries[at].health;
            assert_true(health->state <= HOST_EJECTED && health->override <= OVERRIDE_DRAINED &&
                        health->reason < REASONS);
            shown += strlen(health_text(health, at % 2 ? SHARE_EJECTED : SHARE_FULL).is) > 0;
            assert_non_null(known_hosts_find(&known, known.entries[at].key, known.entries[at].host));
        }
        known_hosts_free(&known);
    }
    assert_true(shown > 0);
    object_free(&object);
}

static void a_header_full_of_noise_is_refused(void **state)
{
    (void)state;
    struct object object = object_new();
    uint64_t seed = 4;
    struct host_records hosts;
    for (int i = 0; i < NOISES; i++) {
        noise_fill(object.region.s_base, sizeof(struct hosts_header), &seed);
        assert_int_not_equal(host_records_attach(&object.region, &hosts), SHM_OK);
    }
    object_free(&object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_found_by_route_and_host_in_the_order_of_addresses),
        cmocka_unit_test(an_object_without_records_is_readable_and_knows_nothing),
        cmocka_unit_test(records_full_of_noise_are_read_within_their_bounds_and_can_be_shown),
        cmocka_unit_test(a_header_full_of_noise_is_refused),
    };
    return cmocka_run_group_tests_name("unit/larshm/hosts", tests, NULL, NULL);
}
