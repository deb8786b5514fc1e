/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/address.h"

static void an_address_to_listen_on_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0.0:0", "127.0.0.1:7778", "255.255.255.255:65535"};
    struct sockaddr_in address;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        char text[ADDRESS_TEXT_SIZE];
        assert_true(address_parse(good[i], &address));
        address_format(&address, text);
        assert_string_equal(text, good[i]);
    }
    assert_false(address_parse("127.0.0.1:65536", &address));
    assert_false(address_parse("localhost:80", &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_to_listen_on_comes_back_as_it_was_written),
    };
    return cmocka_run_group_tests_name("unit/conf/address", tests, NULL, NULL);
}
