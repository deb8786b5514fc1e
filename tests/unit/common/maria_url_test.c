/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/common/maria_url.h"

static void only_the_schemes_are_no_file(void **state)
{
    (void)state;
    assert_true(maria_url_is("mysql://db/lars"));
    assert_true(maria_url_is("mariadb://db/lars"));
    assert_false(maria_url_is("routes.db"));
    assert_true(maria_url_is("mysql:/db/lars"));
    assert_true(maria_url_is("MySQL://db/lars"));
    assert_false(maria_url_is("./mysql:/db/lars"));
}

static void all_parts_are_read_and_percent_stands_for_characters(void **state)
{
    (void)state;
    struct maria_url url;
    char error[STORE_ERROR_SIZE];
    assert_int_equal(
        maria_url_parse(&url,
                        "mysql://la%40rs@db1,db2:3307,[fe80::1]:9/lars%2Fdns?options-file=/etc/a%20b"
                        "&ssl-ca=/ca.pem&options-group=fleet",
                        error),
        0);
    assert_string_equal(url.user, "la@rs");
    assert_string_equal(url.database, "lars/dns");
    assert_int_equal(url.host_count, 3);
    assert_string_equal(url.hosts[0].name, "db1");
    assert_int_equal(url.hosts[0].port, 0);
    assert_string_equal(url.hosts[1].name, "db2");
    assert_int_equal(url.hosts[1].port, 3307);
    assert_string_equal(url.hosts[2].name, "fe80::1");
    assert_int_equal(url.hosts[2].port, 9);
    assert_string_equal(url.options_file, "/etc/a b");
    assert_string_equal(url.options_group, "fleet");
    assert_string_equal(url.ssl_ca, "/ca.pem");
    assert_null(url.socket);
    maria_url_free(&url);

    assert_int_equal(maria_url_parse(&url, "MariaDB:///lars?socket=/run/s", error), 0);
    assert_null(url.user);
    assert_string_equal(url.hosts[0].name, "");
    assert_string_equal(url.socket, "/run/s");
    maria_url_free(&url);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *url, *reason;
    } wrong[] = {
        {"mysql:db/lars", "write mysql://USER@HOST"},
        {"mariadb:/db/lars", "or ./mariadb:/db/lars for a file of that name"},
        {"mysql://lars:secret@db/lars", "a password in it"},
        {"mysql://lars:@db/lars", "a password in it"},
        {"mysql://lars@db", "names no database"},
        {"mysql://lars@db/", "names no database"},
        {"mysql://lars@/lars", "names no host"},
        {"mysql://lars@db:0/lars", "port '0'"},
        {"mysql://lars@db:x/lars", "port 'x'"},
        {"mysql://lars@db:65536/lars", "port '65536'"},
        {"mysql://lars@[::1/lars", "is no address"},
        {"mysql://lars@[::1]9/lars", "is no address"},
        {"mysql://lars%@db/lars", "no name of a user"},
        {"mysql://lars%00@db/lars", "no name of a user"},
        {"mysql://lars@db/lars?password=secret", "a password in it"},
        {"mysql://lars@db/lars?port=1", "unknown option 'port'"},
        {"mysql://lars@db/lars?socket", "option 'socket' has no value"},
        {"mysql://lars@db/lars?socket=", "option 'socket' has no value"},
        {"mysql://lars@a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/lars", "more than 16 hosts"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct maria_url url;
        char error[STORE_ERROR_SIZE] = "";
        assert_int_equal(maria_url_parse(&url, wrong[i].url, error), -1);
        if (!strstr(error, wrong[i].reason))
            fail_msg("%s: '%s' does not say '%s'", wrong[i].url, error, wrong[i].reason);
        if (strstr(error, "secret"))
            fail_msg("%s: '%s' shows the password", wrong[i].url, error);
        maria_url_free(&url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_schemes_are_no_file),
        cmocka_unit_test(all_parts_are_read_and_percent_stands_for_characters),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests_name("unit/common/maria_url", tests, NULL, NULL);
}
