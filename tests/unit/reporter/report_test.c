/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/reporter/report.h"

/* As they come from a report; the last one is held. */
struct taken {
    size_t count, impossible;
    struct status last;
};

static void on_status(void *arg, const struct status *status)
{
    struct taken *taken = arg;
    taken->count++;
    taken->last = *status;
}

/* From a copy of exactly that size, so that a sanitizer sees each byte that is read too far. */
static int decode(const char *bytes, size_t length, struct taken *taken)
{
    uint8_t *body = malloc(length + 1);
    assert_non_null(body);
    memcpy(body, bytes, length);
    *taken = (struct taken){.impossible = 1234};
    int rc = report_decode(length ? body : body + 1, length, on_status, taken, &taken->impossible);
    free(body);
    return rc;
}
#define DECODE(text, taken) decode(text, sizeof(text) - 1, taken)

#define MINUS_1 "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"

/* Written byte by byte from the table of fields: modid -1, cmdid 300, caller -1, two results, ts 2^32 - 1. */
static const char whole[] =
    "\x08" MINUS_1 "\x10\xAC\x02\x18" MINUS_1 "\x22\x08\x08\x01\x10\x50\x18\x01\x20\x02"
    "\x22\x19\x08" MINUS_1 "\x10\xFF\xFF\x03\x18\xFF\xFF\xFF\xFF\x0F\x20\x05\x28\x01"
    "\x28\xFF\xFF\xFF\xFF\x0F";

static void each_field_is_read_as_lars_writes_it(void **state)
{
    struct taken taken;
    (void)state;
    assert_int_equal(DECODE(whole, &taken), 0);
    assert_int_equal(taken.count, 2);
    assert_int_equal(taken.impossible, 0);
    assert_int_equal(taken.last.route.modid, 4294967295);
    assert_int_equal(taken.last.route.cmdid, 300);
    assert_int_equal(taken.last.caller, 4294967295);
    assert_int_equal(taken.last.host.address, UINT32_MAX);
    assert_int_equal(taken.last.host.port, 65535);
    assert_int_equal(taken.last.successes, 4294967295);
    assert_int_equal(taken.last.failures, 5);
    assert_true(taken.last.overloaded);
    assert_int_equal(taken.last.time, 4294967295);
}

static void any_beginning_of_a_report_decodes_or_is_refused(void **state)
{
    struct taken taken;
    (void)state;
    for (size_t length = 0; length < sizeof(whole) - 1; length++) {
        int rc = decode(whole, length, &taken);
        assert_true(rc == 0 || taken.count == 0);
        assert_true(taken.count <= 2);
    }
    assert_int_equal(decode(whole, sizeof(whole) - 2, &taken), -1);
}

static void empty_report_is_one_without_results(void **state)
{
    struct taken taken;
    (void)state;
    assert_int_equal(DECODE("", &taken), 0);
    assert_int_equal(taken.count, 0);
    assert_int_equal(taken.impossible, 0);
}

static void unknown_fields_are_ignored(void **state)
{
    struct taken taken;
    (void)state;
    assert_int_equal(DECODE("\x22\x08\x08\x01\x10\x50\x98\x06\x07\x00\x9A\x06\x01x", &taken), -1);
    assert_int_equal(DECODE("\x22\x07\x08\x01\x10\x50\x98\x06\x07\x9A\x06\x01x", &taken), 0);
    assert_int_equal(taken.count, 1);
    assert_int_equal(ntohs(taken.last.host.port), 80);
}

static void hosts_that_cannot_be_are_left_out_and_counted(void **state)
{
    struct taken taken;
    (void)state;
    assert_int_equal(DECODE("\x22\x00"                         /* address 0, port 0 */
                            "\x22\x02\x08\x01"                 /* port 0 */
                            "\x22\x02\x10\x50"                 /* address 0 */
                            "\x22\x06\x08\x01\x10\x80\x80\x04" /* port 65536 */
                            "\x22\x0D\x08\x01\x10" MINUS_1     /* port -1 */
                            "\x22\x04\x08\x07\x10\x01",        /* a good one */
                            &taken),
                     0);
    assert_int_equal(taken.impossible, 5);
    assert_int_equal(taken.count, 1);
    assert_int_equal(ntohl(taken.last.host.address), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_is_read_as_lars_writes_it),
        cmocka_unit_test(any_beginning_of_a_report_decodes_or_is_refused),
        cmocka_unit_test(empty_report_is_one_without_results),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(hosts_that_cannot_be_are_left_out_and_counted),
    };
    return cmocka_run_group_tests_name("unit/reporter/report", tests, NULL, NULL);
}
