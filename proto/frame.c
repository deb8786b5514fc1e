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
    uint32_t length = get_le32(data + 4);
    if (length > INT32_MAX) /* negative on the wire */
        return FRAME_INVALID;
    if (size - FRAME_HEADER < length)
        return FRAME_PARTIAL;
    *out = (struct frame){.id = (int32_t)get_le32(data), .length = length, .body = data + FRAME_HEADER};
    *used = FRAME_HEADER + length;
    return FRAME_OK;
}

int frame_stream_append(struct frame_stream *stream, const void *data, size_t size)
{
    size_t skipped = size < stream->skip ? size : stream->skip;
    size -= skipped;
    if (size == 0) {
        stream->skip -= (uint32_t)skipped;
        return 0;
    }
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
    memcpy(stream->data + stream->end, (const uint8_t *)data + skipped, size);
    stream->end += size;
    stream->skip -= (uint32_t)skipped;
    return 0;
}

/* What has arrived of a frame that is too long goes now, the rest as it arrives. */
static enum frame_result skip_frame(struct frame_stream *stream, uint32_t length, struct frame *out)
{
    uint8_t *header = stream->data + stream->start;
    size_t here = frame_stream_pending(stream) - FRAME_HEADER;
    if (here < (length < FRAME_START ? length : FRAME_START))
        return FRAME_PARTIAL;
    *out = (struct frame){.id = (int32_t)get_le32(header), .length = length, .body = header + FRAME_HEADER};
    size_t gone = here < length ? here : length;
    stream->start += FRAME_HEADER + gone;
    stream->skip = length - (uint32_t)gone;
    return FRAME_LONG;
}

enum frame_result frame_stream_next(struct frame_stream *stream, struct frame *out)
{
    size_t used, pending = frame_stream_pending(stream);
    uint32_t max = stream->max ? stream->max : FRAME_BODY_MAX;
    if (pending == 0 && stream->capacity > FRAME_KEPT) {
        free(stream->data);
        stream->data = NULL;
        stream->start = stream->end = stream->capacity = 0;
    }
    if (pending == 0)
        return FRAME_PARTIAL;
    const uint8_t *header = stream->data + stream->start;
    if (pending >= FRAME_HEADER && get_le32(header + 4) > max && get_le32(header + 4) <= INT32_MAX)
        return skip_frame(stream, get_le32(header + 4), out);
    enum frame_result result = frame_parse(header, pending, out, &used);
    if (result == FRAME_OK)
        stream->start += used;
    return result;
}

size_t frame_stream_pending(const struct frame_stream *stream)
{
    return stream->end - stream->start;
}

bool frame_stream_in_frame(const struct frame_stream *stream)
{
    return stream->end > stream->start || stream->skip > 0;
}

void frame_stream_free(struct frame_stream *stream)
{
    free(stream->data);
    *stream = (struct frame_stream){.max = stream->max};
}
