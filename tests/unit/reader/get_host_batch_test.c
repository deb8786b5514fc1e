/* SPDX-License-Identifier: MIT */
#include <larshm/larshm.h>

#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void get_host_batch_answers_for_each_route_as_get_host_does(void **state)
{
    enum {
        COUNT = 100
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host hosts[COUNT];
    int codes[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        hosts[i] = (larshm_host){.modid = 1, .cmdid = i};
        if (i % 5)
            instance_put(instance, route_key_number(route_key(1, i)), 1, i % 5 == 4 ? 0 : i % 5, 15);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, COUNT), COUNT / 5 * 3);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool found = false;
        for (uint32_t at = 0; at < i % 5; at++) {
            uint32_t round = UINT32_MAX;
            found |= self_checking_holds(route_key_number(route_key(1, i)), at,
                                         (struct host_addr){hosts[i].addr, hosts[i].port}, &round);
        }
        assert_int_equal(codes[i], i % 5 == 0 ? LARSHM_PENDING : i % 5 == 4 ? LARSHM_NOEXIST : LARSHM_OK);
        assert_int_equal(found, codes[i] == LARSHM_OK);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, 0), 0);
    assert_ptr_equal(larshm_get_hosts, larshm_get_host_batch); /* the name of 0.1 */
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(get_host_batch_answers_for_each_route_as_get_host_does),
    };
    return cmocka_run_group_tests_name("unit/reader/get_host_batch", tests, NULL, NULL);
}
