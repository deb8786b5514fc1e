/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_encode.h"

#include "fetcher/snapshot_decode.h"
#include "fetcher/snapshot_format.h"
#include "shm/clock.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

#define NOW  UINT64_C(1795900000000) /* Unix time in milliseconds */
#define MOST (UINT64_C(1) << 20)

enum {
    TTL_S = 15
};

static struct snapshot_decoder decoder; /* too large for the stack */

static void expect_whole(struct snapshot_encoder *encoder, uint64_t routes, uint64_t hosts)
{
    assert_true(snapshot_encode_end(encoder, "one", 0));
    snapshot_seal(encoder->bytes, encoder->size);
    assert_null(snapshot_decode_begin(&decoder, encoder->bytes, encoder->size, "one", NOW, clock_tick()));
    assert_int_equal(decoder.routes, routes);
    assert_int_equal(decoder.hosts, hosts);
}

static void add_all_routes(struct instance *instance, struct snapshot_encoder *encoder)
{
    struct route_ref route;
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);)
        snapshot_encode_route(encoder, &route);
}

static void routes_that_do_not_exist_are_left_out(void **state)
{
    struct instance *instance = *state;
    struct snapshot_encoder encoder = {0};
    instance_put(instance, 1, 1, 4, TTL_S);
    instance_put(instance, 2, 1, 0, TTL_S);
    instance_put(instance, 3, 1, HOSTS_MAX, TTL_S);
    snapshot_encode_begin(&encoder, MOST, NOW, clock_tick());
    add_all_routes(instance, &encoder);
    expect_whole(&encoder, 2, 0);
    snapshot_encode_free(&encoder);
}

static void one_that_is_begun_again_has_nothing_of_the_one_before(void **state)
{
    struct instance *instance = *state;
    struct snapshot_encoder encoder = {0};
    const struct host_entry entry = {.health = {.total_succ = 7}};
    instance_put(instance, 1, 1, 4, TTL_S);
    for (int i = 0; i < 2; i++) {
        snapshot_encode_begin(&encoder, MOST, NOW, clock_tick());
        add_all_routes(instance, &encoder);
        snapshot_encode_host(&encoder, numbered_key(1), HOST_ADDR_NONE, &entry);
    }
    expect_whole(&encoder, 1, 1);
    snapshot_encode_free(&encoder);
}

static void g10_one_that_is_larger_than_it_may_be_is_none(void **state)
{
    struct instance *instance = *state;
    struct snapshot_encoder encoder = {0};
    uint64_t most = SNAPSHOT_HEADER + 10 * SNAPSHOT_HOST;
    const struct host_entry entry = {0};
    (void)instance;
    snapshot_encode_begin(&encoder, most, NOW, clock_tick());
    for (uint32_t i = 1; i <= 10; i++)
        snapshot_encode_host(&encoder, numbered_key(i), HOST_ADDR_NONE, &entry);
    expect_whole(&encoder, 0, 10);
    snapshot_encode_begin(&encoder, most, NOW, clock_tick());
    for (uint32_t i = 1; i <= 11; i++)
        snapshot_encode_host(&encoder, numbered_key(i), HOST_ADDR_NONE, &entry);
    assert_false(snapshot_encode_end(&encoder, "one", 0));
    assert_true(encoder.capacity <= most);
    snapshot_encode_free(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routes_that_do_not_exist_are_left_out, instance_setup,
                                        instance_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_begun_again_has_nothing_of_the_one_before, instance_setup,
                                        instance_teardown),
        cmocka_unit_test_setup_teardown(g10_one_that_is_larger_than_it_may_be_is_none, instance_setup,
                                        instance_teardown),
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_encode", tests, NULL, NULL);
}
