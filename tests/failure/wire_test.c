/* SPDX-License-Identifier: MIT */
/* What arrives from the directory, when memory does not suffice for it: refused whole, and taken the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/requests.h"
#include "fetcher/subscriptions.h"
#include "proto/frame.h"
#include "tests/failure/fail.h"
#include "tests/support/keys.h"

/* All frames that were sent, each once, in order, whatever failed: an append that failed is made again. */
static void bytes_that_memory_does_not_suffice_for_can_be_appended_again(void **state)
{
    static uint8_t bytes[FRAME_MAX];
    unsigned long n = 0;
    bool failed = true;
    (void)state;
    while (failed) {
        struct frame_stream stream = {0};
        fail_at(FAIL_malloc, ++n);
        for (uint32_t length = 0; length <= FRAME_BODY_MAX; length = length * 2 + 77) {
            struct frame frame;
            frame_header(bytes, 2, length);
            memset(bytes + FRAME_HEADER, (int)(length & 0xff), length);
            for (size_t at = 0; at < FRAME_HEADER + length; at += 5000) {
                size_t part = FRAME_HEADER + length - at;
                size_t pending = frame_stream_pending(&stream);
                assert_int_equal(frame_stream_next(&stream, &frame), FRAME_PARTIAL);
                if (frame_stream_append(&stream, bytes + at, part < 5000 ? part : 5000) != 0) {
                    assert_int_equal(frame_stream_pending(&stream), pending);
                    assert_int_equal(frame_stream_append(&stream, bytes + at, part < 5000 ? part : 5000), 0);
                }
            }
            assert_int_equal(frame_stream_next(&stream, &frame), FRAME_OK);
            assert_int_equal(frame.length, length);
            assert_memory_equal(frame.body, bytes + FRAME_HEADER, length);
        }
        failed = fail_end();
        frame_stream_free(&stream);
    }
    printf("frames: %lu allocations\n", n - 1);
    assert_true(n > 3);
}

static bool keep(const void *context, struct route_key key)
{
    (void)context;
    (void)key;
    return true;
}

static void subscriptions_stay_when_there_is_no_memory_for_another(void **state)
{
    unsigned long n = 0;
    bool failed = true;
    (void)state;
    while (failed) {
        struct subscriptions known = {0};
        size_t refused = 0, cursor = 0;
        fail_at(FAIL_realloc, ++n);
        for (uint64_t key = 0; key < 5000; key++)
            if (!subscriptions_add(&known, numbered_key(key))) {
                refused++;
                assert_true(subscriptions_add(&known, numbered_key(key)));
            }
        failed = fail_end();
        assert_int_equal(refused, failed);
        subscriptions_filter(&known, keep, NULL, &cursor);
        assert_int_equal(known.count, 5000);
        for (uint64_t key = 0; key < 5000; key++)
            assert_int_equal(route_key_number(known.keys[key]), key);
        subscriptions_free(&known);
    }
    printf("known keys: %lu allocations\n", n - 1);
    assert_true(n > 3);
}

static void table_of_requests_is_there_or_is_not(void **state)
{
    (void)state;
    fail_at(FAIL_malloc, 1);
    assert_null(requests_new());
    assert_true(fail_end());
    requests_delete(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_memory_does_not_suffice_for_can_be_appended_again),
        cmocka_unit_test(subscriptions_stay_when_there_is_no_memory_for_another),
        cmocka_unit_test(table_of_requests_is_there_or_is_not),
    };
    return cmocka_run_group_tests_name("failure/wire", tests, NULL, NULL);
}
