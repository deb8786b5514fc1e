/* SPDX-License-Identifier: MIT */
/*
 * The Lars frame, on TCP and UDP alike:
 *
 *      0        4        8                8+length
 *      | msgid  | msglen | msglen bytes ..|
 *
 * Both numbers are little-endian int32. msglen is 0 .. FRAME_BODY_MAX; anything else breaks the protocol and
 * the stream cannot be trusted any more. Pure code: bytes in, frames out; no sockets.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_HEADER = 8,
    FRAME_BODY_MAX = 65535 - FRAME_HEADER,
    FRAME_MAX = FRAME_HEADER + FRAME_BODY_MAX,
};

/* One frame. `body` points into the caller's data or the stream's memory; see frame_parse() and frame_stream_next(). */
struct frame {
    int32_t id;
    uint32_t length; /* of body, in bytes */
    const uint8_t *body;
};

enum frame_result {
    FRAME_OK,      /* *out is a whole frame */
    FRAME_PARTIAL, /* more bytes are needed */
    FRAME_INVALID, /* msglen out of range: close the stream */
};

/* Bytes of a stream that have arrived and are not consumed yet. Zero-initialise; release with frame_stream_free(). */
struct frame_stream {
    uint8_t *data;
    size_t start, end, capacity;
};

/* Writes a frame's header. The body's `length` bytes, at most FRAME_BODY_MAX, follow it on the wire. */
void frame_header(uint8_t out[static FRAME_HEADER], int32_t id, uint32_t length);

/*
 * Reads one frame from the first bytes of `data`. *used is its size: add it to `data` to go on. Nothing is
 * copied: out->body points into `data`. On FRAME_PARTIAL and FRAME_INVALID, *out and *used are untouched.
 * A datagram holds a frame exactly when FRAME_OK comes with *used equal to the datagram's size.
 */
enum frame_result frame_parse(const uint8_t *data, size_t size, struct frame *out, size_t *used);

/*
 * Appends received bytes. Memory grows with the bytes received, never with a length that a header promises, and stays
 * below 2 * (FRAME_MAX + the largest `size`) if every frame is taken out after each append. Returns 0, or -1 if out of
 * memory: the stream is as before.
 */
int frame_stream_append(struct frame_stream *stream, const void *data, size_t size);

/* Takes the next whole frame. out->body is valid until the next append or free. */
enum frame_result frame_stream_next(struct frame_stream *stream, struct frame *out);

/* Received bytes that are not a complete frame yet. */
size_t frame_stream_pending(const struct frame_stream *stream);

/* Frees the memory; the stream is empty and usable again. */
void frame_stream_free(struct frame_stream *stream);

#endif
