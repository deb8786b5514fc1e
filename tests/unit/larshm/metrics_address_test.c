/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "tools/larshm/metrics_serve.h"

static void assert_v4(const char *text, const char *ip, unsigned port)
{
    struct sockaddr_storage address;
    char found[INET_ADDRSTRLEN];
    assert_true(metrics_address(text, &address));
    assert_int_equal(address.ss_family, AF_INET);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    assert_string_equal(inet_ntop(AF_INET, &v4->sin_addr, found, sizeof(found)), ip);
    assert_int_equal(ntohs(v4->sin_port), port);
}

static void assert_v6(const char *text, const char *ip, unsigned port)
{
    struct sockaddr_storage address;
    char found[INET6_ADDRSTRLEN];
    assert_true(metrics_address(text, &address));
    assert_int_equal(address.ss_family, AF_INET6);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    assert_string_equal(inet_ntop(AF_INET6, &v6->sin6_addr, found, sizeof(found)), ip);
    assert_int_equal(ntohs(v6->sin6_port), port);
}

static void what_an_address_leaves_out_is_loopback_and_9778(void **state)
{
    (void)state;
    assert_v4("10.0.0.1:80", "10.0.0.1", 80);
    assert_v4("0.0.0.0:0", "0.0.0.0", 0);
    assert_v4("10.0.0.1", "10.0.0.1", METRICS_PORT);
    assert_v4("9100", "127.0.0.1", 9100);
    assert_v6("[::1]:9100", "::1", 9100);
    assert_v6("[::]", "::", METRICS_PORT);
    assert_v6("2001:db8::1", "2001:db8::1", METRICS_PORT);
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const refused[] = {
        "",
        ":9778",
        "10.0.0.1:",
        "10.0.0.1:65536",
        "10.0.0.1:-1",
        "10.0.0.1:http",
        "10.0.0.256:1",
        "localhost",
        "[::1",
        "[::1]9778",
        "[]:1",
        "[::1]:",
        "65536",
        "[10.0.0.1:1",
        " 10.0.0.1",
        "10.0.0.1 :1",
        "10.0.0.1:1 ",

        "1111111111111111111111111111111111111111111111111111111111111111111111111111.1:1"};
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNIX};
        if (metrics_address(refused[i], &address))
            fail_msg("'%s' is taken", refused[i]);
        assert_int_equal(address.ss_family, AF_UNIX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_address_leaves_out_is_loopback_and_9778),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
