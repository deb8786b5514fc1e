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
    assert_int_equal(message_decode_request(bad, sizeof(bad), &key), -1);
    assert_int_equal(key.modid, 1);
    assert_int_equal(message_decode_request(good, sizeof(good), &key), 0);
    assert_int_equal(key.modid, 7);
    assert_int_equal(key.cmdid, 9);
    assert_int_equal(message_decode_request(good, 0, &key), 0);
    assert_int_equal(key.modid, 0); /* as protobuf has it: a field that is missing is 0 */
}

/* Encodes a route of `count` hosts with addresses from `ip` on. Returns how many were sent; they are checked. */
static size_t send_hosts(uint32_t ip, size_t count)
{
    static uint8_t body[FRAME_BODY_MAX];
    static struct host_addr hosts[HOSTS_MAX];
    size_t sent;
    for (size_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){htonl(ip + (uint32_t)i), 65535};
    uint32_t length = message_encode_response((struct route_key){UINT32_MAX, 3}, hosts, count, body, &sent);
    assert_true(length <= FRAME_BODY_MAX);
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, length, body);
    assert_non_null(response);
    assert_int_equal(response->modid, -1);
    assert_int_equal(response->cmdid, 3);
    assert_int_equal(response->n_host, sent);
    for (size_t i = 0; i < sent; i++)
        assert_int_equal((uint32_t)response->host[i]->ip, ip + i);
    lars__get_route_response__free_unpacked(response, NULL);
    return sent;
}

static void hosts_are_sent_as_far_as_they_fit_into_a_frame(void **state)
{
    (void)state;
    enum {
        KEY_BYTES = 11 + 2,     /* modid -1 and cmdid 3 */
        HOST_BYTES = 2 + 11 + 4 /* of an address from 128.0.0.0 up */
    };
    const size_t fitting = (FRAME_BODY_MAX - KEY_BYTES) / HOST_BYTES;
    assert_int_equal(send_hosts(1, 0), 0);
    assert_int_equal(send_hosts(0x80000000, fitting), fitting);
    assert_int_equal(send_hosts(0x80000000, fitting + 1), fitting);
    assert_int_equal(send_hosts(0x80000000, HOSTS_MAX), fitting);
    assert_int_equal(send_hosts(1, 2), 2);
}

static void fields_of_a_key_are_written_where_they_are_zero(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x08, 0, 0x10, 0};
    uint8_t body[FRAME_BODY_MAX];
    size_t sent;
    assert_int_equal(message_encode_response((struct route_key){0, 0}, NULL, 0, body, &sent),
                     sizeof(expected));
    assert_memory_equal(body, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_does_not_decode_leaves_the_key_alone),
        cmocka_unit_test(fields_of_a_key_are_written_where_they_are_zero),
        cmocka_unit_test(hosts_are_sent_as_far_as_they_fit_into_a_frame),
    };
    return cmocka_run_group_tests_name("unit/dns/message", tests, NULL, NULL);
}
