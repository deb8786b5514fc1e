/* SPDX-License-Identifier: MIT */
/* What arrives from the directory, when memory does not suffice for it: refused whole, and taken the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/decode.h"
#include "fetcher/requests.h"
#include "fetcher/subscriptions.h"
#include "lars.pb-c.h"
#include "tests/failure/fail.h"
#include "tests/support/keys.h"

enum {
    HOSTS = 40
};

static size_t pack_answer(uint8_t out[static FRAME_BODY_MAX])
{
    Lars__GetRouteResponse response = LARS__GET_ROUTE_RESPONSE__INIT;
    Lars__HostInfo infos[HOSTS], *list[HOSTS];
    for (int i = 0; i < HOSTS; i++) {
        infos[i] = (Lars__HostInfo)LARS__HOST_INFO__INIT;
        infos[i].ip = 0x0a000001 + i;
        infos[i].port = 80;
        list[i] = &infos[i];
    }
    response.modid = 7;
    response.cmdid = 8;
    response.n_host = HOSTS;
    response.host = list;
    return lars__get_route_response__pack(&response, out);
}

static void answer_that_memory_does_not_suffice_for_is_refused_whole(void **state)
{
    static uint8_t body[FRAME_BODY_MAX];
    static struct answer answer, before;
    size_t size = pack_answer(body);
    unsigned long n = 1;
    (void)state;
    memset(&before, 0x5a, sizeof(before));
    for (;; n++) {
        memcpy(&answer, &before, sizeof(answer)); /* with the padding, which is compared, too */
        fail_at(FAIL_unpack, n);
        int result = decode_answer(body, size, &answer);
        if (!fail_end())
            break;
        assert_int_equal(result, -1);
        assert_memory_equal(&answer, &before, sizeof(answer));
        assert_int_equal(decode_answer(body, size, &answer), 0);
        assert_int_equal(answer.count, HOSTS);
    }
    printf("decode: %lu allocations\n", n - 1);
    assert_true(n > HOSTS);
}

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
        cmocka_unit_test(answer_that_memory_does_not_suffice_for_is_refused_whole),
        cmocka_unit_test(bytes_that_memory_does_not_suffice_for_can_be_appended_again),
        cmocka_unit_test(subscriptions_stay_when_there_is_no_memory_for_another),
        cmocka_unit_test(table_of_requests_is_there_or_is_not),
    };
    return cmocka_run_group_tests_name("failure/wire", tests, NULL, NULL);
}
