/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/common/network.h"

static void a_network_contains_its_addresses_and_no_others(void **state)
{
    static const struct {
        const char *text;
        uint32_t in, out;
    } networks[] = {
        {"10.0.0.0/8", 0x0AFFFFFF, 0x0B000000},  {"10.0.0.1", 0x0A000001, 0x0A000002},
        {"10.0.0.1/32", 0x0A000001, 0x0A000000}, {"192.168.4.0/22", 0xC0A807FF, 0xC0A80800},
        {"128.0.0.0/1", 0xFFFFFFFF, 0x7FFFFFFF}, {"255.255.255.254/31", 0xFFFFFFFF, 0xFFFFFFFD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
        struct network network;
        assert_true(network_parse(networks[i].text, &network));
        assert_true(network_contains(network, htonl(networks[i].in)));
        assert_false(network_contains(network, htonl(networks[i].out)));
    }
    struct network all;
    assert_true(network_parse("0.0.0.0/0", &all));
    assert_true(network_contains(all, 0) && network_contains(all, UINT32_MAX));
}

static void what_is_no_network_is_refused_and_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.5/8",
        "10.0.0/8",
        "10.0.0.0/8/8",
        "localhost",
        "::1/128",
        "10.0.0.0/08x",
        "1111111111111111111/8",
    };
    struct network network = {1, 2};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (network_parse(wrong[i], &network))
            fail_msg("'%s' was taken", wrong[i]);
    assert_int_equal(network.address, 1);
    assert_int_equal(network.mask, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_contains_its_addresses_and_no_others),
        cmocka_unit_test(what_is_no_network_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("unit/common/network", tests, NULL, NULL);
}
