/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lars.pb-c.h"
#include "tools/dns/message.h"

static void a_request_that_does_not_decode_leaves_the_key_alone(void **state)
{
    (void)state;
    static const uint8_t good[] = {0x08, 0x07, 0x10, 0x09}, bad[] = {0x08, 0xff};
    struct route_key key = {1, 2};
    uint32_t max_frame = 3;
    assert_int_equal(message_decode_request(bad, sizeof(bad), &key, &max_frame), -1);
    assert_int_equal(key.modid, 1);
    assert_int_equal(max_frame, 3);
    assert_int_equal(message_decode_request(good, sizeof(good), &key, &max_frame), 0);
    assert_int_equal(key.modid, 7);
    assert_int_equal(max_frame, 0);
    assert_int_equal(key.cmdid, 9);
    assert_int_equal(message_decode_request(good, 0, &key, &max_frame), 0);
    assert_int_equal(key.modid, 0); /* as protobuf has it: a field that is missing is 0 */
}

static void g2_largest_route_is_encoded_whole(void **state)
{
    (void)state;
    static uint8_t body[RESPONSE_MAX];
    static struct host_addr hosts[HOSTS_MAX];
    for (uint32_t i = 0; i < HOSTS_MAX; i++)
        hosts[i] = (struct host_addr){htonl(0x80000000 + i), 65535};
    uint32_t length =
        message_encode_response((struct route_key){UINT32_MAX, UINT32_MAX}, hosts, HOSTS_MAX, body);
    assert_int_equal(length, RESPONSE_MAX);
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, length, body);
    assert_non_null(response);
    assert_int_equal(response->modid, -1);
    assert_int_equal(response->n_host, HOSTS_MAX);
    for (uint32_t i = 0; i < HOSTS_MAX; i++)
        assert_int_equal((uint32_t)response->host[i]->ip, 0x80000000 + i);
    lars__get_route_response__free_unpacked(response, NULL);
}

static void fields_of_a_key_are_written_where_they_are_zero(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x08, 0, 0x10, 0};
    static uint8_t body[RESPONSE_MAX];
    assert_int_equal(message_encode_response((struct route_key){0, 0}, NULL, 0, body), sizeof(expected));
    assert_memory_equal(body, expected, sizeof(expected));
}

static void version_goes_behind_the_answer(void **state)
{
    (void)state;
    static const uint64_t versions[] = {0, 1795976326, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        static uint8_t body[RESPONSE_MAX + ANSWER_VERSION_MAX];
        const struct host_addr host = {htonl(0x0a000001), htons(80)};
        uint32_t length = message_encode_response((struct route_key){1, 2}, &host, 1, body);
        length += message_encode_version(versions[i], body + length);
        Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, length, body);
        assert_non_null(response);
        assert_int_equal(response->cmdid, 2);
        assert_int_equal(response->n_host, 1);
        assert_true(response->version == versions[i]);
        lars__get_route_response__free_unpacked(response, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_does_not_decode_leaves_the_key_alone),
        cmocka_unit_test(version_goes_behind_the_answer),
        cmocka_unit_test(fields_of_a_key_are_written_where_they_are_zero),
        cmocka_unit_test(g2_largest_route_is_encoded_whole),
    };
    return cmocka_run_group_tests_name("unit/dns/message", tests, NULL, NULL);
}
