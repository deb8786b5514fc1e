/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_decode.h"

#include <stdlib.h>
#include <string.h>

#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_format.h"
#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/snapshot_version.h"

#define NOW          UINT64_C(1795900000000) /* Unix time in milliseconds: when snapshots are taken */
#define MOST         (UINT64_C(1) << 20)
#define HOUR_MS      UINT64_C(3600000)
#define DATA_VERSION (UINT64_MAX - 1)
#define YEARS_MS     (UINT64_C(100) * 365 * 24 * HOUR_MS)

enum {
    KEYS = 20,
    TTL_S = 15,
    AGE_MS = 40000, /* of routes and hosts when the snapshot is taken */
    EJECTED = 1,
    DRAINED = 2,
};

static struct snapshot_decoder decoder; /* too large for the stack */

/* Routes of 1 to 8 hosts, two of which are not in rotation, and records of two hosts of route 1 and its own. */
struct fixture {
    struct instance *instance;
    struct snapshot_encoder encoder;
    uint64_t tick; /* of the snapshot */
};

static void add_records(struct fixture *fixture)
{
    struct host_addr hosts[2];
    const struct host_entry own = {.health = {.total_succ = 11, .total_err = UINT64_MAX}};
    const struct host_entry ejected = {
        .health = {.total_err = 20,
                   .since = fixture->tick - AGE_MS,
                   .window = fixture->tick + AGE_MS,
                   .verr = 5,
                   .value = 10,
                   .limit = 9,
                   .state = HOST_EJECTED,
                   .reason = REASON_ERR_STREAK,
                   .badness = 9999,
                   .level = 3},
        .generation = 77,
        .left_s = (uint32_t)((fixture->tick - AGE_MS) / 1000),
    };
    const struct host_entry drained = {.health = {.since = fixture->tick - AGE_MS,
                                                  .vsucc = 180,
                                                  .rsucc = 1,
                                                  .contin_succ = 1,
                                                  .override = OVERRIDE_DRAINED}};
    self_checking_hosts(1, 1, 2, hosts);
    snapshot_encode_host(&fixture->encoder, numbered_key(1), HOST_ADDR_NONE, &own);
    snapshot_encode_host(&fixture->encoder, numbered_key(1), hosts[0], &ejected);
    snapshot_encode_host(&fixture->encoder, numbered_key(1), hosts[1], &drained);
}

static int setup(void **state)
{
    static struct fixture fixture;
    void *instance;
    struct route_ref route;
    instance_setup(&instance);
    fixture = (struct fixture){.instance = instance, .tick = clock_tick()};
    for (uint32_t key = 1; key <= KEYS; key++) {
        struct host_addr hosts[HOSTS_MAX];
        const uint64_t states[STATE_WORDS(HOSTS_MAX)] = {share_bits(0, SHARE_EJECTED) |
                                                         share_bits(1, SHARE_DRAINED)};
        uint32_t count = key % 8 + 1;
        self_checking_hosts(key, 1, count, hosts);
        assert_int_equal(put_by_key(fixture.instance->writer, numbered_key(key), hosts, count,
                                    key == 1 ? states : NULL, TTL_S, fixture.tick - AGE_MS),
                         SHM_OK);
    }
    snapshot_encode_begin(&fixture.encoder, MOST, NOW, fixture.tick);
    for (uint32_t slot = 0; writer_next_route(fixture.instance->writer, &slot, &route);)
        snapshot_encode_route(&fixture.encoder, &route);
    add_records(&fixture);
    assert_true(snapshot_encode_end(&fixture.encoder, "one", DATA_VERSION));
    snapshot_seal(fixture.encoder.bytes, fixture.encoder.size);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *instance = fixture->instance;
    snapshot_encode_free(&fixture->encoder);
    return instance_teardown(&instance);
}

static const char *begin_at(const struct fixture *fixture, uint64_t unix_ms, uint64_t tick)
{
    return snapshot_decode_begin(&decoder, fixture->encoder.bytes, fixture->encoder.size, "one", unix_ms,
                                 tick);
}

static struct restored_route next_route(void)
{
    struct restored_route route = {0};
    assert_true(snapshot_decode_route(&decoder, &route));
    return route;
}

static struct host_entry ejected_host(void)
{
    struct restored_route route;
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    snapshot_decode_rewind(&decoder);
    while (snapshot_decode_route(&decoder, &route))
        continue;
    assert_true(snapshot_decode_host(&decoder, &key, &host, &entry));
    assert_true(snapshot_decode_host(&decoder, &key, &host, &entry));
    return entry;
}

/* ---- the way there and back ---- */

static void what_was_encoded_is_decoded(void **state)
{
    struct fixture *fixture = *state;
    struct restored_route route;
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    uint32_t routes = 0;
    assert_null(begin_at(fixture, NOW, fixture->tick));
    assert_int_equal(decoder.written, NOW);
    assert_true(decoder.data_version == DATA_VERSION);
    while (snapshot_decode_route(&decoder, &route)) {
        uint32_t number = route.key.cmdid, round = UINT32_MAX;
        assert_int_equal(route.count, number % 8 + 1);
        assert_int_equal(route.ttl_s, TTL_S);
        for (uint32_t i = 0; i < route.count; i++)
            assert_true(self_checking_holds(number, i, route.hosts[i], &round));
        assert_int_equal(route.states != NULL, number == 1);
        if (route.states)
            assert_int_equal(route.states[0], share_bits(0, SHARE_EJECTED) | share_bits(1, SHARE_DRAINED));
        routes++;
    }
    assert_int_equal(routes, KEYS);
    assert_true(snapshot_decode_host(&decoder, &key, &host, &entry));
    assert_true(host_addr_is_none(host));
    assert_int_equal(entry.health.total_succ, 11);
    assert_true(entry.health.total_err == UINT64_MAX);
    assert_int_equal(entry.health.since, 0);
    assert_true(snapshot_decode_host(&decoder, &key, &host, &entry));
    assert_true(route_key_equal(key, numbered_key(1)));
    assert_int_equal(entry.health.total_err, 20);
    assert_int_equal(entry.health.state, HOST_EJECTED);
    assert_int_equal(entry.health.reason, REASON_ERR_STREAK);
    assert_int_equal(entry.health.badness, 9999);
    assert_int_equal(entry.health.level, 3);
    assert_int_equal(entry.health.value, 10);
    assert_int_equal(entry.health.limit, 9);
    assert_int_equal(entry.health.verr, 5);
    assert_int_equal(entry.generation, 0); /* no control object outlives a reboot */
    assert_true(snapshot_decode_host(&decoder, &key, &host, &entry));
    assert_int_equal(entry.health.override, OVERRIDE_DRAINED);
    assert_int_equal(entry.health.vsucc, 180);
    assert_false(snapshot_decode_host(&decoder, &key, &host, &entry));
}

static void snapshot_of_the_version_before_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct restored_route route;
    uint32_t routes = 0;
    fixture->encoder.size = snapshot_to_version_1(fixture->encoder.bytes, fixture->encoder.size);
    assert_null(begin_at(fixture, NOW, fixture->tick));
    assert_int_equal(decoder.data_version, 0);
    while (snapshot_decode_route(&decoder, &route))
        routes++;
    assert_int_equal(routes, KEYS);
    assert_int_equal(ejected_host().health.total_err, 20);
}

/* ---- clocks ---- */

/* A reboot: the tick is that of a machine that has just started, and what was before the boot has a tick, too. */
static void ages_are_those_of_the_calendar(void **state)
{
    struct fixture *fixture = *state;
    uint64_t boot = TICK_ORIGIN + 20000;
    assert_null(begin_at(fixture, NOW + 72 * HOUR_MS, boot));
    const struct restored_route route = next_route();
    assert_int_equal(boot - route.fetched, 72 * HOUR_MS + AGE_MS);
    assert_true(route.fetched + route.ttl_s * UINT64_C(1000) <= boot);
    const struct host_entry entry = ejected_host();
    assert_int_equal(boot - entry.health.since, 72 * HOUR_MS + AGE_MS);
    uint64_t left_s = (72 * HOUR_MS + AGE_MS) / 1000;
    assert_in_range(boot / 1000 - entry.left_s, left_s, left_s + 1);
}

static void route_that_is_younger_than_its_time_out_is_expired_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct snapshot_encoder encoder = {0};
    const struct route_ref young = writer_find(fixture->instance->writer, numbered_key(1));
    uint64_t tick = fixture->tick - AGE_MS + 4999;
    snapshot_encode_begin(&encoder, MOST, NOW, tick);
    snapshot_encode_route(&encoder, &young);
    assert_true(snapshot_encode_end(&encoder, "one", 0));
    snapshot_seal(encoder.bytes, encoder.size);
    assert_null(snapshot_decode_begin(&decoder, encoder.bytes, encoder.size, "one", NOW + 1, tick + 1));
    const struct restored_route route = next_route();
    assert_int_equal(tick + 1 - route.fetched, 5000);
    assert_true(route.fetched + route.ttl_s * UINT64_C(1000) <= tick + 1);
    snapshot_encode_free(&encoder);
}

static void clock_that_was_set_back_makes_nothing_younger_than_it_was(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t times[] = {NOW - 1, NOW - HOUR_MS, 1, 0};
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        assert_null(begin_at(fixture, times[i], TICK_ORIGIN + 1));
        assert_int_equal(TICK_ORIGIN + 1 - next_route().fetched, AGE_MS);
        assert_int_equal(TICK_ORIGIN + 1 - ejected_host().health.since, AGE_MS);
    }
}

static void clock_that_is_wrong_by_years_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t times[] = {NOW + YEARS_MS, NOW + TICK_ORIGIN, UINT64_MAX};
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        assert_null(begin_at(fixture, times[i], TICK_ORIGIN + 20000));
        const struct restored_route route = next_route();
        assert_in_range(route.fetched, 1, TICK_ORIGIN);
        assert_true(route.fetched + route.ttl_s * UINT64_C(1000) <= TICK_ORIGIN + 20000);
        assert_in_range(ejected_host().health.since, 1, TICK_ORIGIN);
    }
}

/* ---- damage ---- */

static void every_truncation_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->encoder.size; size++) {
        uint8_t *bytes = malloc(size + 1); /* where a read beyond the end shows */
        assert_non_null(bytes);
        memcpy(bytes, fixture->encoder.bytes, size);
        assert_non_null(snapshot_decode_begin(&decoder, bytes, size, "one", NOW, fixture->tick));
        free(bytes);
    }
}

static void every_bit_flip_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t bit = 0; bit < fixture->encoder.size * 8; bit++) {
        fixture->encoder.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_non_null(begin_at(fixture, NOW, fixture->tick));
        fixture->encoder.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_null(begin_at(fixture, NOW, fixture->tick));
}

static void snapshot_of_another_instance_or_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(snapshot_decode_begin(&decoder, fixture->encoder.bytes, fixture->encoder.size, "two",
                                              NOW, fixture->tick),
                        "is a snapshot of another instance");
    fixture->encoder.bytes[8]++;
    assert_string_equal(begin_at(fixture, NOW, fixture->tick), "is a snapshot of another version of larshm");
    fixture->encoder.bytes[0]++;
    assert_string_equal(begin_at(fixture, NOW, fixture->tick), "is no snapshot");
}

/* Who may write the file can make its checksum right: what is decoded then is valid. */
static void any_byte_with_a_right_checksum_is_refused_or_valid(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    for (size_t at = SNAPSHOT_CHECKED; at < fixture->encoder.size; at++)
        for (size_t i = 0; i < sizeof(values); i++) {
            uint8_t before = fixture->encoder.bytes[at];
            struct restored_route route;
            fixture->encoder.bytes[at] = values[i];
            snapshot_seal(fixture->encoder.bytes, fixture->encoder.size);
            if (!begin_at(fixture, NOW, fixture->tick))
                while (snapshot_decode_route(&decoder, &route)) {
                    assert_in_range(route.count, 1, HOSTS_MAX);
                    for (uint32_t host = 1; host < route.count; host++)
                        assert_true(host_addr_order(route.hosts[host - 1]) <
                                    host_addr_order(route.hosts[host]));
                }
            fixture->encoder.bytes[at] = before;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_was_encoded_is_decoded),
        TEST(snapshot_of_the_version_before_is_read),
        TEST(ages_are_those_of_the_calendar),
        TEST(route_that_is_younger_than_its_time_out_is_expired_all_the_same),
        TEST(clock_that_was_set_back_makes_nothing_younger_than_it_was),
        TEST(clock_that_is_wrong_by_years_does_no_harm),
        TEST(every_truncation_is_refused),
        TEST(every_bit_flip_is_refused),
        TEST(snapshot_of_another_instance_or_version_is_refused),
        TEST(any_byte_with_a_right_checksum_is_refused_or_valid),
#undef TEST
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_decode", tests, NULL, NULL);
}
