/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/checksum.h"

/* One bit at a time, by the definition. */
static uint32_t slow(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static void checksums_are_those_that_rfc_3720_lists(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(crc32c(bytes, 0), 0);
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
}

static void any_length_and_alignment_is_as_by_the_definition(void **state)
{
    (void)state;
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t start = 0; start < 9; start++)
        for (size_t size = 0; start + size <= sizeof(bytes); size++)
            assert_int_equal(crc32c(bytes + start, size), slow(bytes + start, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_that_rfc_3720_lists),
        cmocka_unit_test(any_length_and_alignment_is_as_by_the_definition),
    };
    return cmocka_run_group_tests_name("unit/fetcher/checksum", tests, NULL, NULL);
}
