/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <larshm/larshm.h>

static larshm_host host_of(const char *ip, uint16_t port)
{
    return (larshm_host){.modid = 1, .cmdid = 2, .addr = inet_addr(ip), .port = htons(port)};
}

static void a_host_is_its_address_and_its_port(void **state)
{
    static const struct {
        const char *ip, *text;
        uint16_t port;
    } cases[] = {
        {"0.0.0.0", "0.0.0.0:0", 0},           {"10.0.0.1", "10.0.0.1:8080", 8080},
        {"9.10.99.100", "9.10.99.100:9", 9},   {"192.168.100.200", "192.168.100.200:10000", 10000},
        {"127.0.0.1", "127.0.0.1:9999", 9999}, {"255.255.255.255", "255.255.255.255:65535", 65535},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const larshm_host host = host_of(cases[i].ip, cases[i].port);
        char text[LARSHM_HOST_TEXT];
        assert_int_equal(larshm_host_format(&host, text, sizeof(text)), LARSHM_OK);
        assert_string_equal(text, cases[i].text);
    }
    (void)state;
}

static void the_longest_host_fills_the_room_that_the_header_names(void **state)
{
    assert_int_equal(LARSHM_HOST_TEXT, sizeof("255.255.255.255:65535"));
    (void)state;
}

static void a_text_that_does_not_fit_is_refused_and_nothing_is_written(void **state)
{
    const larshm_host host = host_of("10.0.0.1", 80);
    char text[sizeof("10.0.0.1:80") + 1], before[sizeof(text)];
    memset(before, 'x', sizeof(before));
    for (size_t size = 0; size < sizeof("10.0.0.1:80"); size++) {
        memcpy(text, before, sizeof(text));
        assert_int_equal(larshm_host_format(&host, text, size), LARSHM_BAD_ARGUMENT);
        assert_memory_equal(text, before, sizeof(text));
    }
    assert_int_equal(larshm_host_format(&host, NULL, 0), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_host_format(&host, text, sizeof("10.0.0.1:80")), LARSHM_OK);
    assert_string_equal(text, "10.0.0.1:80");
    assert_int_equal(text[sizeof(text) - 1], 'x');
    (void)state;
}

static void a_host_is_an_address_to_connect_to(void **state)
{
    const larshm_host host = host_of("10.1.2.3", 8080);
    const struct sockaddr_in expected = {
        .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {inet_addr("10.1.2.3")}};
    struct sockaddr_in address;
    memset(&address, 0xee, sizeof(address));
    larshm_host_sockaddr(&host, &address);
    assert_memory_equal(&address, &expected, sizeof(address));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_its_address_and_its_port),
        cmocka_unit_test(the_longest_host_fills_the_room_that_the_header_names),
        cmocka_unit_test(a_text_that_does_not_fit_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_host_is_an_address_to_connect_to),
    };
    return cmocka_run_group_tests_name("unit/reader/host_format", tests, NULL, NULL);
}
