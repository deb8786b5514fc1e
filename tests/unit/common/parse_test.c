/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "tools/common/parse.h"

static void ids_are_decimal_from_0_to_4294967295(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-1", "+1",   " 1",         "1 ",
                                      "1a", "1.", "0x10", "4294967296", "18446744073709551617"};
    uint32_t id;
    assert_true(parse_id("0", &id));
    assert_int_equal(id, 0);
    assert_true(parse_id("4294967295", &id));
    assert_int_equal(id, UINT32_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parse_id(bad[i], &id))
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(id, UINT32_MAX);
}

static void hosts_are_an_address_and_a_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ":",
                                      "10.0.0.1",
                                      "10.0.0.1:",
                                      ":80",
                                      "10.0.0.1:0",
                                      "10.0.0.1:65536",
                                      "10.0.0.1:80:80",
                                      "0.0.0.0:80",
                                      "10.0.0:80",
                                      "10.0.0.256:80",
                                      "host:80",
                                      "123.123.123.1234:80",
                                      " 10.0.0.1:80"};
    struct host_addr host = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parse_host(bad[i], &host))
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(host.address, 0);
    assert_true(parse_host("10.0.0.1:80", &host));
    assert_int_equal(ntohl(host.address), 167772161);
    assert_int_equal(ntohs(host.port), 80);
    assert_true(parse_host("255.255.255.255:65535", &host));
    assert_int_equal(host.address, UINT32_MAX);
    assert_int_equal(host.port, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_decimal_from_0_to_4294967295),
        cmocka_unit_test(hosts_are_an_address_and_a_port),
    };
    return cmocka_run_group_tests_name("unit/common/parse", tests, NULL, NULL);
}
