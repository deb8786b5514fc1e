/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/frame.h"

/* Three frames: empty, small, and the largest that the protocol allows. */
static uint8_t *three_frames(size_t *size)
{
    static const uint32_t lengths[] = {0, 5, FRAME_BODY_MAX};
    uint8_t *bytes = malloc(3 * FRAME_HEADER + 5 + FRAME_BODY_MAX);
    assert_non_null(bytes);
    *size = 0;
    for (int i = 0; i < 3; i++) {
        frame_header(bytes + *size, i + 1, lengths[i]);
        *size += FRAME_HEADER;
        for (uint32_t k = 0; k < lengths[i]; k++)
            bytes[(*size)++] = (uint8_t)(k * 7 + (uint32_t)i);
    }
    return bytes;
}

static void expect_frame(const struct frame *frame, int i)
{
    static const uint32_t lengths[] = {0, 5, FRAME_BODY_MAX};
    assert_int_equal(frame->id, i + 1);
    assert_int_equal(frame->length, lengths[i]);
    for (uint32_t k = 0; k < frame->length; k++)
        if (frame->body[k] != (uint8_t)(k * 7 + (uint32_t)i))
            fail_msg("frame %d differs at byte %u", i, k);
}

/* Feeds the three frames in pieces of `step` bytes and checks what comes out. */
static void feed(size_t step)
{
    size_t size;
    uint8_t *bytes = three_frames(&size);
    struct frame_stream stream = {0};
    int seen = 0;
    for (size_t at = 0; at < size; at += step) {
        size_t piece = size - at < step ? size - at : step;
        assert_int_equal(frame_stream_append(&stream, bytes + at, piece), 0);
        struct frame frame;
        enum frame_result result;
        while ((result = frame_stream_next(&stream, &frame)) == FRAME_OK)
            expect_frame(&frame, seen++);
        assert_int_equal(result, FRAME_PARTIAL);
        assert_true(stream.capacity <= 2 * FRAME_MAX + 2 * step);
    }
    assert_int_equal(seen, 3);
    assert_int_equal(frame_stream_pending(&stream), 0);
    frame_stream_free(&stream);
    free(bytes);
}

static void header_is_two_little_endian_words(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER];
    frame_header(bytes, 2, 0x1234);
    assert_memory_equal(bytes, "\x02\0\0\0\x34\x12\0\0", FRAME_HEADER);
}

static void pieces_of_any_size_give_the_same_frames(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 7, 8, 9, 13, 64, 4096, 65535, 1 << 20};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        feed(steps[i]);
}

static void split_at_every_offset_gives_the_same_frame(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER + 5];
    frame_header(bytes, 2, 5);
    memcpy(bytes + FRAME_HEADER, "hello", 5);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        struct frame_stream stream = {0};
        struct frame frame;
        assert_int_equal(frame_stream_append(&stream, bytes, cut), 0);
        assert_int_equal(frame_stream_next(&stream, &frame), cut == sizeof(bytes) ? FRAME_OK : FRAME_PARTIAL);
        if (cut < sizeof(bytes)) {
            assert_int_equal(frame_stream_append(&stream, bytes + cut, sizeof(bytes) - cut), 0);
            assert_int_equal(frame_stream_next(&stream, &frame), FRAME_OK);
        }
        assert_memory_equal(frame.body, "hello", 5);
        frame_stream_free(&stream);
    }
}

static void negative_length_is_refused_before_any_allocation(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        uint8_t bytes[FRAME_HEADER];
        frame_header(bytes, 2, lengths[i]);
        struct frame_stream stream = {.max = INT32_MAX};
        struct frame frame;
        assert_int_equal(frame_stream_append(&stream, bytes, sizeof(bytes)), 0);
        assert_int_equal(frame_stream_next(&stream, &frame), FRAME_INVALID);
        assert_int_equal(frame_stream_next(&stream, &frame), FRAME_INVALID);
        assert_true(stream.capacity <= 4096);
        frame_stream_free(&stream);
    }
}

static void append_all(struct frame_stream *stream, const uint8_t *bytes, size_t size, size_t step)
{
    for (size_t at = 0; at < size; at += step)
        assert_int_equal(frame_stream_append(stream, bytes + at, size - at < step ? size - at : step), 0);
}

/* Between two short ones; in pieces that end in its header, in its first bytes, within it and behind it. */
static void longer_frame_is_skipped_in_pieces_of_any_size_and_costs_no_memory(void **state)
{
    (void)state;
    enum {
        LONG = 300000
    };
    static uint8_t bytes[3 * FRAME_HEADER + LONG + 10];
    static const size_t steps[] = {1, 3, 7, 41, 4096, 65536, sizeof(bytes)};
    frame_header(bytes, 1, 5);
    memcpy(bytes + FRAME_HEADER, "hello", 5);
    frame_header(bytes + FRAME_HEADER + 5, 2, LONG);
    memset(bytes + 2 * FRAME_HEADER + 5, 0x5a, LONG);
    frame_header(bytes + sizeof(bytes) - FRAME_HEADER - 5, 3, 5);
    memcpy(bytes + sizeof(bytes) - 5, "world", 5);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct frame_stream stream = {.max = LONG - 1};
        int seen = 0;
        for (size_t at = 0; at < sizeof(bytes); at += steps[i]) {
            size_t piece = sizeof(bytes) - at < steps[i] ? sizeof(bytes) - at : steps[i];
            struct frame frame;
            enum frame_result result;
            append_all(&stream, bytes + at, piece, piece);
            while ((result = frame_stream_next(&stream, &frame)) != FRAME_PARTIAL) {
                assert_int_equal(frame.id, ++seen);
                assert_int_equal(result, seen == 2 ? FRAME_LONG : FRAME_OK);
                assert_int_equal(frame.length, seen == 2 ? LONG : 5);
                assert_int_equal(frame.body[4], seen == 1 ? 'o' : seen == 2 ? 0x5a : 'd');
            }
            assert_int_equal(frame_stream_in_frame(&stream), at + piece < sizeof(bytes) &&
                                                                 at + piece != FRAME_HEADER + 5 &&
                                                                 at + piece != 2 * FRAME_HEADER + 5 + LONG);
            assert_true(stream.capacity <= 4096 + 2 * steps[i]);
        }
        assert_int_equal(seen, 3);
        frame_stream_free(&stream);
    }
}

static void memory_of_a_large_frame_is_given_back(void **state)
{
    (void)state;
    enum {
        LARGE = 1 << 20
    };
    static uint8_t bytes[FRAME_HEADER + LARGE];
    struct frame_stream stream = {.max = LARGE};
    struct frame frame;
    frame_header(bytes, 1, LARGE);
    append_all(&stream, bytes, sizeof(bytes), 65536);
    assert_true(stream.capacity < 2 * (sizeof(bytes) + 65536));
    assert_int_equal(frame_stream_next(&stream, &frame), FRAME_OK);
    assert_int_equal(frame_stream_next(&stream, &frame), FRAME_PARTIAL);
    assert_true(stream.capacity <= FRAME_KEPT);
    frame_stream_free(&stream);
}

static void promised_length_allocates_nothing(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER];
    frame_header(bytes, 2, FRAME_BODY_MAX);
    struct frame_stream stream = {0};
    struct frame frame;
    assert_int_equal(frame_stream_append(&stream, bytes, sizeof(bytes)), 0);
    assert_int_equal(frame_stream_next(&stream, &frame), FRAME_PARTIAL);
    assert_true(stream.capacity <= 4096);
    frame_stream_free(&stream);
}

static void datagram_is_one_frame_and_nothing_else(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER + 3] = {0};
    frame_header(bytes, 4, 2);
    struct frame frame;
    size_t used = 0;
    assert_int_equal(frame_parse(bytes, FRAME_HEADER + 1, &frame, &used), FRAME_PARTIAL);
    assert_int_equal(frame_parse(bytes, sizeof(bytes), &frame, &used), FRAME_OK);
    assert_int_equal(used, FRAME_HEADER + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_two_little_endian_words),
        cmocka_unit_test(pieces_of_any_size_give_the_same_frames),
        cmocka_unit_test(split_at_every_offset_gives_the_same_frame),
        cmocka_unit_test(negative_length_is_refused_before_any_allocation),
        cmocka_unit_test(longer_frame_is_skipped_in_pieces_of_any_size_and_costs_no_memory),
        cmocka_unit_test(memory_of_a_large_frame_is_given_back),
        cmocka_unit_test(promised_length_allocates_nothing),
        cmocka_unit_test(datagram_is_one_frame_and_nothing_else),
    };
    return cmocka_run_group_tests_name("unit/proto/frame", tests, NULL, NULL);
}
