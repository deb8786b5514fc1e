/* SPDX-License-Identifier: MIT */
/* Reports as the report service reads them: what goes in comes out, and a frame holds what it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "fetcher/balance.h"
#include "fetcher/decode.h"
#include "lars.pb-c.h"

static struct host_result results[RESULTS_PER_FRAME];
static uint8_t bytes[FRAME_MAX];

/* Encodes, and decodes as any peer does. */
static Lars__ReportStatusRequest *send_report(const struct status_report *report)
{
    struct frame frame;
    size_t used = 0, size = encode_report(report, bytes);
    assert_true(size <= report_frame_max(report->count));
    assert_int_equal(frame_parse(bytes, size, &frame, &used), FRAME_OK);
    assert_int_equal(used, size);
    assert_int_equal(frame.id, MESSAGE_REPORT_STATUS_REQUEST);
    Lars__ReportStatusRequest *message = lars__report_status_request__unpack(NULL, frame.length, frame.body);
    assert_non_null(message);
    assert_int_equal(message->n_results, report->count);
    return message;
}

static struct host_result result(uint32_t ip, uint16_t port, uint32_t succ, uint32_t err, bool overloaded)
{
    return (struct host_result){{htonl(ip), htons(port)}, succ, err, overloaded};
}

static void report_says_what_it_was_made_of(void **state)
{
    (void)state;
    results[0] = result(0x0a000001, 80, 10, 3, false);
    results[1] = result(0xc0a80001, 65535, 0, UINT32_MAX, true);
    const struct status_report report = {route_key(UINT32_MAX, 1U << 31), 0xac100001, 1700000000, results, 2};
    Lars__ReportStatusRequest *message = send_report(&report);
    assert_int_equal(message->modid, -1);
    assert_int_equal(message->cmdid, INT32_MIN);
    assert_true(message->caller == (int32_t)0xac100001);
    assert_int_equal(message->ts, 1700000000);
    const Lars__HostCallResult *first = message->results[0], *second = message->results[1];
    assert_int_equal(first->ip, 0x0a000001);
    assert_int_equal(first->port, 80);
    assert_int_equal(first->succ, 10);
    assert_int_equal(first->err, 3);
    assert_false(first->overload);
    assert_true(second->ip == (int32_t)0xc0a80001);
    assert_int_equal(second->port, 65535);
    assert_int_equal(second->succ, 0);
    assert_int_equal(second->err, UINT32_MAX);
    assert_true(second->overload);
    lars__report_status_request__free_unpacked(message, NULL);
}

static void largest_report_fits_into_a_frame(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < RESULTS_PER_FRAME; i++)
        results[i] = result(UINT32_MAX - i, UINT16_MAX, UINT32_MAX, UINT32_MAX, true);
    const struct status_report report = {route_key(UINT32_MAX, UINT32_MAX - 1), UINT32_MAX, UINT32_MAX,
                                         results, RESULTS_PER_FRAME};
    assert_true(report_frame_max(RESULTS_PER_FRAME) <= FRAME_MAX);
    Lars__ReportStatusRequest *message = send_report(&report);
    for (uint32_t i = 0; i < RESULTS_PER_FRAME; i++)
        assert_true(message->results[i]->ip == (int32_t)(UINT32_MAX - i));
    lars__report_status_request__free_unpacked(message, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_says_what_it_was_made_of),
        cmocka_unit_test(largest_report_fits_into_a_frame),
    };
    return cmocka_run_group_tests_name("fetcher/results", tests, NULL, NULL);
}
