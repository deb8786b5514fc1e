/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/log.h"
#include "conf/value.h"
#include "conf/values.h"

static const struct key integer = {.type = KEY_INTEGER, .min = 0, .max = UINT32_MAX};
static const struct key port = {.type = KEY_PORT, .min = 1, .max = 65535};
static const struct key size = {.type = KEY_SIZE, .min = 0, .max = UINT64_MAX};
static const struct key real = {.type = KEY_REAL, .min = 0, .max = 1};
static const struct key host = {.type = KEY_HOST, .min = 1, .size = CONFIG_HOST_SIZE};
static const struct key host_or_none = {.type = KEY_HOST, .size = CONFIG_HOST_SIZE};
static const struct key group = {.type = KEY_GROUP, .size = CONFIG_GROUP_SIZE};
static const struct key level = {.type = KEY_LEVEL};
static const struct key address = {.type = KEY_ADDRESS};
static const struct key servers = {.type = KEY_SERVERS, .size = sizeof(struct config_servers)};
static const struct key path = {.type = KEY_PATH, .size = CONFIG_PATH_SIZE};

union field {
    uint32_t integer;
    uint16_t port;
    uint64_t size;
    double real;
    char text[CONFIG_HOST_SIZE];
    struct config_servers servers;
};

static void expect_refused(const struct key *key, const char *const *texts)
{
    for (; *texts; texts++) {
        union field field, before;
        memset(&field, 0x5a, sizeof(field));
        memcpy(&before, &field, sizeof(before));
        if (value_parse(key, *texts, &field) == 0)
            fail_msg("\"%s\" was accepted", *texts);
        assert_memory_equal(&field, &before, sizeof(field));
    }
}

static void expect_kept(const struct key *key, const char *const *texts)
{
    for (; *texts; texts++) {
        union field field;
        char shown[VALUE_SIZE];
        if (value_parse(key, *texts, &field) != 0)
            fail_msg("\"%s\" was refused", *texts);
        value_format(key, &field, shown);
        assert_string_equal(shown, *texts);
    }
}

static void whole_numbers_are_plain_decimal_digits_in_range(void **state)
{
    (void)state;
    expect_kept(&integer, (const char *const[]){"0", "7", "10", "4294967295", NULL});
    expect_kept(&port, (const char *const[]){"1", "65535", NULL});
    expect_refused(&integer, (const char *const[]){"",
                                                   " ",
                                                   "-1",
                                                   "+1",
                                                   "77abc",
                                                   "0x10",
                                                   "0777",
                                                   "00",
                                                   " 5",
                                                   "5 ",
                                                   "1.0",
                                                   "1e3",
                                                   "1K",
                                                   "4294967296",
                                                   "18446744073709551615",
                                                   "18446744073709551616",
                                                   "18446744073709551617",
                                                   "99999999999999999999999999",
                                                   "\xd9\xa3",
                                                   NULL});
    expect_refused(&port, (const char *const[]){"0", "65536", "65537", "131071", NULL});
}

static void sizes_take_a_suffix_and_never_wrap(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"0", 0},        {"1000", 1000},      {"3k", 3 << 10}, {"3K", 3 << 10},
                 {"3m", 3 << 20}, {"1024M", 1u << 30}, {"2G", 2u << 30}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint64_t bytes;
        assert_int_equal(value_parse(&size, sizes[i].text, &bytes), 0);
        assert_int_equal(bytes, sizes[i].bytes);
    }
    expect_kept(&size, (const char *const[]){"0", "1000", "1K", "1025K", "256M", "1G", NULL});
    expect_refused(&size,
                   (const char *const[]){"", "K", "1T", "1KB", "1 K", "-1K", "1.5G", "010K",
                                         "18446744073709551616", "18014398509481984K", "17179869184G", NULL});
}

static void reals_are_plain_decimals_in_range(void **state)
{
    (void)state;
    double number;
    assert_int_equal(value_parse(&real, "0.1", &number), 0);
    assert_true(number == 0.1);
    assert_int_equal(value_parse(&real, "0.70", &number), 0);
    assert_true(number == 0.7);
    expect_kept(&real, (const char *const[]){"0", "1", "0.5", "0.05", "0.000000001", "0.999999999", NULL});
    expect_refused(&real,
                   (const char *const[]){"", ".", ".5", "1.", "0,5", "nan", "inf", "0x1", "1e-1", "-0.1",
                                         "+0.1", "1.000000001", "2", "00.5", "0.5%", "0.0000000001",
                                         "18446744073709551615", "18446744073709551616", NULL});
}

static void hosts_are_names_or_whole_ipv4_addresses(void **state)
{
    (void)state;
    char long_label[] = "0123456789012345678901234567890123456789012345678901234567890123.org";
    char long_name[CONFIG_HOST_SIZE + 1];
    for (size_t i = 0; i < CONFIG_HOST_SIZE; i++)
        long_name[i] = i % 2 ? '.' : 'a';
    long_name[CONFIG_HOST_SIZE] = '\0';
    expect_kept(&host, (const char *const[]){"127.0.0.1", "255.255.255.255", "localhost", "dns-1.example.net",
                                             "lars_dns_1", "3com.example", "xn--bcher-kva.example", NULL});
    expect_refused(&host, (const char *const[]){"",
                                                ".",
                                                "a..b",
                                                "a.",
                                                ".a",
                                                "-a",
                                                "a b",
                                                "a,b",
                                                "a/b",
                                                "::1",
                                                "127.0.0",
                                                "127.0.0.256",
                                                "127.1",
                                                "1",
                                                "1.2.3.4.5",
                                                "127.0.0.01",
                                                "b\xc3\xbc"
                                                "cher.example",
                                                long_label,
                                                long_name,
                                                NULL});
    long_name[CONFIG_HOST_SIZE - 1] = '\0';
    expect_kept(&host, (const char *const[]){long_name, NULL});
    expect_kept(&host_or_none, (const char *const[]){"", "localhost", NULL});
    expect_refused(&host_or_none, (const char *const[]){" ", ".", "1", NULL});
}

static void groups_are_names_or_nothing(void **state)
{
    (void)state;
    expect_kept(&group, (const char *const[]){"", "larshm", "_lars", "www-data", "lars.readers",
                                              "01234567890123456789012345678901", NULL});
    expect_refused(&group, (const char *const[]){"-x", ".x", "a b", "a:b", "a/b",
                                                 "012345678901234567890123456789012", NULL});
}

static void levels_are_the_four_words(void **state)
{
    (void)state;
    uint32_t number;
    assert_int_equal(value_parse(&level, "debug", &number), 0);
    assert_int_equal(number, LOG_LEVEL_DEBUG);
    expect_kept(&level, (const char *const[]){"error", "warning", "info", "debug", NULL});
    expect_refused(&level, (const char *const[]){"", "INFO", "inf", "infos", "3", NULL});
}

static void paths_are_absolute_and_fit_into_a_socket_address(void **state)
{
    (void)state;
    char longest[CONFIG_PATH_SIZE + 1];
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[CONFIG_PATH_SIZE] = '\0';
    expect_refused(&path, (const char *const[]){"admin.sock", "./a", "/run/a b", "/run/\x7f", "/run/\n",
                                                "/run/\xc3\xa4", longest, NULL});
    longest[CONFIG_PATH_SIZE - 1] = '\0';
    expect_kept(&path, (const char *const[]){"", "/a", "/run/larshm/default/admin.sock", longest, NULL});
}

static void addresses_are_dotted_or_nothing(void **state)
{
    (void)state;
    expect_kept(&address, (const char *const[]){"", "10.0.0.1", "127.0.0.1", "255.255.255.255", NULL});
    expect_refused(&address, (const char *const[]){"0.0.0.0", "10.0.0", "10.0.0.256", "10.0.0.1 ", "::1",
                                                   "localhost", NULL});
}

/* As many as there can be, with names as long as they can be. */
static void fill_servers(char *text, int count)
{
    for (int i = 0; i < count; i++) {
        text += sprintf(text, "%s%c", i ? ", " : "", 'a' + i);
        for (int label = 0; label < 126; label++)
            text += sprintf(text, ".b");
        text += sprintf(text, ":65535");
    }
}

static void servers_are_different_hosts_with_or_without_a_port(void **state)
{
    (void)state;
    char most[(CONFIG_SERVERS_MAX + 1) * (CONFIG_HOST_SIZE + 8)];
    fill_servers(most, CONFIG_SERVERS_MAX);
    expect_kept(&servers, (const char *const[]){"", "a:7778", "a:7778, b:1, 10.0.0.1:65535", most, NULL});
    fill_servers(most, CONFIG_SERVERS_MAX + 1);
    expect_refused(&servers,
                   (const char *const[]){",",       "a,",   "a,,b", "a b",        "a:", "a:0",  ":1",
                                         "a:65536", "a:1x", "a:01", "a:1:2",      " ",  "a, a", "a, A:7778",
                                         "10.0.0",  "a;b",  "[a]",  "a:1, b:2, ", most, NULL});
    union field field;
    char shown[VALUE_SIZE];
    assert_int_equal(value_parse(&servers, "a ,\tb:9,c ", &field), 0);
    value_format(&servers, &field, shown);
    assert_string_equal(shown, "a:7778, b:9, c:7778");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_dotted_or_nothing),
        cmocka_unit_test(whole_numbers_are_plain_decimal_digits_in_range),
        cmocka_unit_test(sizes_take_a_suffix_and_never_wrap),
        cmocka_unit_test(reals_are_plain_decimals_in_range),
        cmocka_unit_test(servers_are_different_hosts_with_or_without_a_port),
        cmocka_unit_test(hosts_are_names_or_whole_ipv4_addresses),
        cmocka_unit_test(groups_are_names_or_nothing),
        cmocka_unit_test(levels_are_the_four_words),
        cmocka_unit_test(paths_are_absolute_and_fit_into_a_socket_address),
    };
    return cmocka_run_group_tests_name("unit/conf/value", tests, NULL, NULL);
}
