/* SPDX-License-Identifier: MIT */
/*
 * A stream that arrives in pieces gives the same frames, and the same end, as its bytes in one block; and its memory
 * stays within what frame.h promises. Input: eight bytes that say how the stream is cut, then the stream.
 */
#include <string.h>

#include "proto/frame.h"
#include "tests/fuzz/fuzz.h"

enum {
    CUTS = 8,
};

static size_t piece_size(const uint8_t cuts[static CUTS], size_t number)
{
    uint8_t cut = cuts[number % CUTS];
    return cut < 128 ? cut + 1u : (cut - 127u) * 600;
}

/* Takes every whole frame out of the stream and off the front of `whole`, and compares them. */
static enum frame_result drain(struct frame_stream *stream, struct input *whole)
{
    struct frame piecewise, expected;
    size_t used;
    enum frame_result result;
    while ((result = frame_stream_next(stream, &piecewise)) == FRAME_OK || result == FRAME_LONG) {
        if (result == FRAME_LONG) {
            DEMAND(piecewise.length > FRAME_BODY_MAX);
            used = FRAME_HEADER + (size_t)piecewise.length;
            if (used > whole->size)
                used = whole->size;
            whole->data += used;
            whole->size -= used;
            continue;
        }
        DEMAND(frame_parse(whole->data, whole->size, &expected, &used) == FRAME_OK);
        DEMAND(piecewise.id == expected.id && piecewise.length == expected.length);
        DEMAND(memcmp(piecewise.body, expected.body, expected.length) == 0);
        whole->data += used;
        whole->size -= used;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CUTS)
        return 0;
    struct input whole = {data + CUTS, size - CUTS};
    struct input rest = whole;
    struct frame_stream stream = {0};
    struct frame frame;
    enum frame_result result = FRAME_PARTIAL;
    size_t used, largest = 0;
    for (size_t number = 0; rest.size > 0 && result == FRAME_PARTIAL; number++) {
        size_t piece = piece_size(data, number);
        if (piece > rest.size)
            piece = rest.size;
        if (piece > largest)
            largest = piece;
        DEMAND(frame_stream_append(&stream, rest.data, piece) == 0);
        rest.data += piece;
        rest.size -= piece;
        result = drain(&stream, &whole);
        DEMAND(stream.capacity < 2 * (FRAME_MAX + largest));
        DEMAND(stream.skip || frame_stream_pending(&stream) == whole.size - rest.size);
    }
    DEMAND(frame_parse(whole.data, whole.size, &frame, &used) == result);
    DEMAND(frame_stream_next(&stream, &frame) == result);
    frame_stream_free(&stream);
    return 0;
}
