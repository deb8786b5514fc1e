/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "tools/larshm/route.h"
#include "tools/larshm/text.h"

static void spans_have_at_most_two_units(void **state)
{
    (void)state;
    const uint64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
    assert_string_equal(text_span(0).is, "0 ms");
    assert_string_equal(text_span(999).is, "999 ms");
    assert_string_equal(text_span(3 * second + 999).is, "3 s");
    assert_string_equal(text_span(minute).is, "1 min");
    assert_string_equal(text_span(4 * minute + 5 * second).is, "4 min 5 s");
    assert_string_equal(text_span(2 * hour + 3 * minute + 59 * second).is, "2 h 3 min");
    assert_string_equal(text_span(5 * day + 4 * hour).is, "5 d 4 h");
    assert_string_equal(text_span(UINT64_MAX).is, "213503982334 d 14 h");
}

static void bytes_have_the_unit_that_keeps_them_short(void **state)
{
    (void)state;
    assert_string_equal(text_bytes(0).is, "0 B");
    assert_string_equal(text_bytes(1023).is, "1023 B");
    assert_string_equal(text_bytes(1024).is, "1 KiB");
    assert_string_equal(text_bytes(12800).is, "12.5 KiB");
    assert_string_equal(text_bytes((1 << 20) - 1).is, "1023.9 KiB");
    assert_string_equal(text_bytes(UINT64_C(256) << 20).is, "256 MiB");
    assert_string_equal(text_bytes(UINT64_C(3) << 29).is, "1.5 GiB");
    assert_string_equal(text_bytes(UINT64_MAX).is, "15.9 EiB");
}

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    assert_string_equal(text_count(0).is, "0");
    assert_string_equal(text_count(999).is, "999");
    assert_string_equal(text_count(1000).is, "1,000");
    assert_string_equal(text_count(123456).is, "123,456");
    assert_string_equal(text_count(UINT64_MAX).is, "18,446,744,073,709,551,615");
}

static void impossible_times_are_question_marks(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    assert_string_equal(text_time(1700000000123).is, "2023-11-14 22:13:20");
    assert_string_equal(text_time(0).is, "?");
    /* No buffer is overrun and nothing is left unterminated, whatever a damaged header holds. */
    for (int bit = 0; bit < 64; bit++)
        assert_true(strlen(text_time(UINT64_MAX >> bit).is) < sizeof(struct text));
}

static void a_moment_of_today_is_shown_without_its_date(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    const uint64_t noon = UINT64_C(1714996800000), day = UINT64_C(86400000);
    assert_string_equal(text_moment(noon, noon + 1000).is, "12:00:00");
    assert_string_equal(text_moment(noon, noon + day).is, "2024-05-06 12:00:00");
    assert_string_equal(text_moment(0, noon).is, "?");
}

static void shares_have_as_many_digits_as_they_need(void **state)
{
    (void)state;
    assert_string_equal(text_share(0).is, "0 %");
    assert_string_equal(text_share(1400).is, "14 %");
    assert_string_equal(text_share(1450).is, "14.5 %");
    assert_string_equal(text_share(1405).is, "14.05 %");
    assert_string_equal(text_share(UINT32_MAX).is, "42949672.95 %");
    assert_string_equal(text_percent(1, 7).is, "14.3 %");
    assert_string_equal(text_percent(0, 0).is, "-");
}

static void addresses_from_128_up_are_shown_right(void **state)
{
    (void)state;
    const struct host_addr host = {htonl(0xfffffffe), htons(65535)};
    assert_string_equal(text_host(host).is, "255.255.255.254:65535");
    assert_string_equal(text_address(htonl(0x0a000001)).is, "10.0.0.1");
}

static void long_routes_show_their_first_hosts_and_how_many_there_are(void **state)
{
    (void)state;
    struct host_addr hosts[4];
    for (uint32_t i = 0; i < 4; i++)
        hosts[i] = (struct host_addr){htonl(0xfffffff0 + i), htons(65535)};
    struct route route = {.hosts = hosts};
    assert_string_equal(route_first_hosts(&route).is, "");
    route.host_count = 3;
    assert_string_equal(route_first_hosts(&route).is,
                        "255.255.255.240:65535 255.255.255.241:65535 255.255.255.242:65535");
    route.host_count = HOSTS_MAX;
    assert_string_equal(route_first_hosts(&route).is,
                        "255.255.255.240:65535 255.255.255.241:65535 255.255.255.242:65535 ... 10922 in all");
}

static void text_from_shared_memory_cannot_steer_a_terminal_or_run_on(void **state)
{
    (void)state;
    char in[16], out[16];
    memset(in, 'x', sizeof(in));
    text_printable(in, sizeof(in), out);
    assert_string_equal(out, "xxxxxxxxxxxxxxx");
    memcpy(in, "a\033[2J\n\x80\xffz", 10);
    text_printable(in, sizeof(in), out);
    assert_string_equal(out, "a?[2J???z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_have_at_most_two_units),
        cmocka_unit_test(bytes_have_the_unit_that_keeps_them_short),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(impossible_times_are_question_marks),
        cmocka_unit_test(a_moment_of_today_is_shown_without_its_date),
        cmocka_unit_test(shares_have_as_many_digits_as_they_need),
        cmocka_unit_test(addresses_from_128_up_are_shown_right),
        cmocka_unit_test(long_routes_show_their_first_hosts_and_how_many_there_are),
        cmocka_unit_test(text_from_shared_memory_cannot_steer_a_terminal_or_run_on),
    };
    return cmocka_run_group_tests_name("unit/larshm/text", tests, NULL, NULL);
}
