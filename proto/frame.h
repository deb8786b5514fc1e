/* SPDX-License-Identifier: MIT */
/*
 * The Lars frame, on TCP and UDP alike:
 *
 *      0        4        8                8+length
 *      | msgid  | msglen | msglen bytes ..|
 *
 * Both numbers are little-endian int32. A negative msglen breaks the protocol, and the stream cannot be trusted any
 * more. Lars' own constant for the largest is FRAME_BODY_MAX, but its directory sends longer ones. Pure code: bytes in,
 * frames out; no sockets.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_HEADER = 8,
    FRAME_BODY_MAX = 65535 - FRAME_HEADER,
    FRAME_MAX = FRAME_HEADER + FRAME_BODY_MAX,
    FRAME_START = 32,           /* bytes of the body that are known of a frame which is skipped */
    FRAME_KEPT = 4 * FRAME_MAX, /* what a stream without bytes keeps: enough for reads of 64 kB */
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
    FRAME_INVALID, /* msglen is negative: close the stream */
    FRAME_LONG, /* longer than the stream takes: it is skipped; of the body *out has FRAME_START bytes, or all */
};

/* Bytes of a stream that have arrived and are not consumed yet. Zero-initialise, but for `max` where longer frames are
 * taken; release with frame_stream_free(). */
struct frame_stream {
    uint8_t *data;
    size_t start, end, capacity;
    uint32_t max;  /* of a body; 0: FRAME_BODY_MAX. Longer ones are skipped */
    uint32_t skip; /* bytes of such a one that have not arrived yet */
};

/* Writes a frame's header. The body's `length` bytes follow it on the wire. */
void frame_header(uint8_t out[static FRAME_HEADER], int32_t id, uint32_t length);

/*
 * Reads one frame from the first bytes of `data`. *used is its size: add it to `data` to go on. Nothing is
 * copied: out->body points into `data`. On FRAME_PARTIAL and FRAME_INVALID, *out and *used are untouched.
 * A datagram holds a frame exactly when FRAME_OK comes with *used equal to the datagram's size.
 */
enum frame_result frame_parse(const uint8_t *data, size_t size, struct frame *out, size_t *used);

/*
 * Appends received bytes. Memory grows with the bytes received, never with a length that a header promises, and stays
 * below 2 * (FRAME_HEADER + max + the largest `size`) if every frame is taken out after each append. Returns 0, or -1 if
 * out of memory: the stream is as before.
 */
int frame_stream_append(struct frame_stream *stream, const void *data, size_t size);

/* Takes the next frame that is whole, or is skipped. out->body is valid until the next call for this stream. */
enum frame_result frame_stream_next(struct frame_stream *stream, struct frame *out);

/* Received bytes that are not a complete frame yet. */
size_t frame_stream_pending(const struct frame_stream *stream);

/* True between the first byte of a frame and its last, also if it is skipped. */
bool frame_stream_in_frame(const struct frame_stream *stream);

/* Frees the memory; the stream is empty and usable again, with the same `max`. */
void frame_stream_free(struct frame_stream *stream);

#endif
