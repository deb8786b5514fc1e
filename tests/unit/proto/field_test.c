/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/field.h"

#define CURSOR(text)                                                                                         \
    ((struct field_cursor){(const uint8_t *)(text), (const uint8_t *)(text) + sizeof(text) - 1, false})

static void numbers_come_back_as_they_were_put(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {0, 1, 127, 128, INT32_MAX, 1U << 31, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        uint8_t bytes[FIELD_ROUTE_MAX];
        struct field field = {0};
        uint8_t *end = field_put_route(bytes, numbers[i], ~numbers[i]);
        assert_in_range(end - bytes, 4, FIELD_ROUTE_MAX);
        struct field_cursor cursor = {bytes, end, false};
        assert_true(field_next(&cursor, &field));
        assert_int_equal(field.number, 1);
        assert_int_equal((uint32_t)field.value, numbers[i]);
        assert_true(field_next(&cursor, &field));
        assert_int_equal(field.number, 2);
        assert_int_equal((uint32_t)field.value, ~numbers[i]);
        assert_false(field_next(&cursor, &field));
        assert_false(cursor.bad);
    }
}

static void zero_is_written(void **state)
{
    (void)state;
    uint8_t bytes[FIELD_ROUTE_MAX];
    assert_int_equal(field_put_route(bytes, 0, 0) - bytes, 4);
    assert_memory_equal(bytes, "\x08\0\x10\0", 4);
}

static void a_host_is_a_message_of_its_own(void **state)
{
    (void)state;
    uint8_t bytes[FIELD_HOST_MAX];
    struct field field = {0};
    uint8_t *end = field_put_host(bytes, 3, UINT32_MAX, UINT16_MAX);
    assert_int_equal(end - bytes, FIELD_HOST_MAX);
    struct field_cursor cursor = {bytes, end, false};
    assert_true(field_next(&cursor, &field));
    assert_int_equal(field.number, 3);
    assert_int_equal(field.type, FIELD_BYTES);
    assert_int_equal(field.bytes.end - field.bytes.at, FIELD_HOST_MAX - 2);
    cursor = field.bytes;
    assert_true(field_next(&cursor, &field));
    assert_int_equal((uint32_t)field.value, UINT32_MAX);
    assert_true(field_next(&cursor, &field));
    assert_int_equal(field.value, UINT16_MAX);
    assert_false(field_next(&cursor, &field));
}

static void fields_of_every_type_are_stepped_over(void **state)
{
    (void)state;
    struct field_cursor cursor = CURSOR("\x48\x96\x01\x49"
                                        "12345678\x4a\x03"
                                        "abc\x4d"
                                        "1234\x08\x05");
    struct field field = {0};
    int fields = 0;
    while (field_next(&cursor, &field))
        fields++;
    assert_int_equal(fields, 5);
    assert_false(cursor.bad);
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 5);
}

static void what_ends_too_early_or_is_no_field_is_bad_and_stays_bad(void **state)
{
    (void)state;
    struct field_cursor bad[] = {
        CURSOR("\x08"),
        CURSOR("\x08\x80"),
        CURSOR("\x80\x80\x80\x80\x80\x01"),
        CURSOR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        CURSOR("\x4a\x05\x01"),
        CURSOR("\x49\x01\x02"),
        CURSOR("\x4d\x01\x02\x03"),
        CURSOR("\x00\x01"),
        CURSOR("\x0b"),
        CURSOR("\x0f"),
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct field field = {0};
        assert_false(field_next(&bad[i], &field));
        assert_true(bad[i].bad);
        assert_false(field_next(&bad[i], &field));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_as_they_were_put),
        cmocka_unit_test(zero_is_written),
        cmocka_unit_test(a_host_is_a_message_of_its_own),
        cmocka_unit_test(fields_of_every_type_are_stepped_over),
        cmocka_unit_test(what_ends_too_early_or_is_no_field_is_bad_and_stays_bad),
    };
    return cmocka_run_group_tests_name("unit/proto/field", tests, NULL, NULL);
}
