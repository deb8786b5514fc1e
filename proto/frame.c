/* SPDX-License-Identifier: MIT */
#include "proto/frame.h"

#include <stdlib.h>
#include <string.h>

static void put_le32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_le32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

void frame_header(uint8_t out[static FRAME_HEADER], int32_t id, uint32_t length)
{
    put_le32(out, (uint32_t)id);
    put_le32(out + 4, length);
}

enum frame_result frame_parse(const uint8_t *data, size_t size, struct frame *out, size_t *used)
{
    if (size < FRAME_HEADER)
        return FRAME_PARTIAL;
    uint32_t length = get_le32(data + 4); /* a negative msglen is a huge one here */
    if (length > FRAME_BODY_MAX)
        return FRAME_INVALID;
    if (size - FRAME_HEADER < length)
        return FRAME_PARTIAL;
    *out = (struct frame){.id = (int32_t)get_le32(data), .length = length, .body = data + FRAME_HEADER};
    *used = FRAME_HEADER + length;
    return FRAME_OK;
}

int frame_stream_append(struct frame_stream *stream, const void *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t pending = frame_stream_pending(stream);
    if (stream->capacity - stream->end < size) {
        if (stream->capacity - pending < size) {
            size_t capacity = stream->capacity ? stream->capacity : 4096;
            while (capacity - pending < size)
                capacity *= 2;
            uint8_t *grown = malloc(capacity);
            if (!grown)
                return -1;
            if (pending)
                memcpy(grown, stream->data + stream->start, pending);
            free(stream->data);
            stream->data = grown;
            stream->capacity = capacity;
        } else if (pending) {
            memmove(stream->data, stream->data + stream->start, pending);
        }
        stream->start = 0;
        stream->end = pending;
    }
    memcpy(stream->data + stream->end, data, size);
    stream->end += size;
    return 0;
}

enum frame_result frame_stream_next(struct frame_stream *stream, struct frame *out)
{
    size_t used;
    if (stream->start == stream->end)
        return FRAME_PARTIAL;
    enum frame_result result =
        frame_parse(stream->data + stream->start, frame_stream_pending(stream), out, &used);
    if (result == FRAME_OK)
        stream->start += used;
    return result;
}

size_t frame_stream_pending(const struct frame_stream *stream)
{
    return stream->end - stream->start;
}

void frame_stream_free(struct frame_stream *stream)
{
    free(stream->data);
    *stream = (struct frame_stream){0};
}
