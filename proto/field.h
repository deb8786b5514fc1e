/* SPDX-License-Identifier: MIT */
/*
 * Fields of a message, one by one, for what is written and read by hand: a field that is 0 is written too, which
 * generated code for proto3 leaves out, and nothing takes memory, whatever a body says.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FIELD_KEY_MAX = 5,     /* bytes of a field's key, and of a length */
    FIELD_NUMBER_MAX = 10, /* of a number; a negative one takes all of them */
    FIELD_ROUTE_MAX = 22,  /* of the two fields that name a route */
    FIELD_HOST_MAX =
        17, /* of a HostInfo: key, length, key and ten bytes of ip, key and three bytes of port */
};

enum field_type {
    FIELD_NUMBER = 0,
    FIELD_EIGHT_BYTES = 1,
    FIELD_BYTES = 2,
    FIELD_FOUR_BYTES = 5,
};

/* What is left of a body. Once it is bad it stays bad. */
struct field_cursor {
    const uint8_t *at, *end;
    bool bad;
};

struct field {
    uint64_t number; /* from 1 */
    enum field_type type;
    uint64_t value;            /* of FIELD_NUMBER */
    struct field_cursor bytes; /* of FIELD_BYTES */
};

static inline uint64_t field_take_number(struct field_cursor *cursor, unsigned bytes_max)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes_max && cursor->at < cursor->end; i++) {
        uint8_t byte = *cursor->at++;
        number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return number;
    }
    cursor->bad = true;
    return 0;
}

static inline struct field_cursor field_take_bytes(struct field_cursor *cursor, uint64_t count)
{
    struct field_cursor taken = {cursor->at, cursor->at, cursor->bad};
    if (count > (uint64_t)(cursor->end - cursor->at))
        cursor->bad = true;
    else
        cursor->at = taken.end = cursor->at + count;
    return taken;
}

/* Takes the next field. False: there is none, or the body is bad; cursor->bad says which. */
static inline bool field_next(struct field_cursor *cursor, struct field *out)
{
    if (cursor->bad || cursor->at == cursor->end)
        return false;
    uint64_t key = field_take_number(cursor, FIELD_KEY_MAX);
    *out = (struct field){.number = key >> 3, .type = key & 7};
    if (out->type == FIELD_NUMBER)
        out->value = field_take_number(cursor, FIELD_NUMBER_MAX);
    else if (out->type == FIELD_BYTES)
        out->bytes = field_take_bytes(cursor, field_take_number(cursor, FIELD_KEY_MAX));
    else if (out->type == FIELD_EIGHT_BYTES || out->type == FIELD_FOUR_BYTES)
        field_take_bytes(cursor, out->type == FIELD_EIGHT_BYTES ? 8 : 4);
    else
        cursor->bad = true;
    cursor->bad |= out->number == 0;
    return !cursor->bad;
}

/* Writes a field of at most 15 that is a number, also if it is 0. Returns where the next one goes. */
static inline uint8_t *field_put_number(uint8_t *at, unsigned field, uint64_t number)
{
    *at++ = (uint8_t)(field << 3 | FIELD_NUMBER);
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

/* An int32 goes out as an int64: a negative one has its sign in all ten bytes. */
static inline uint8_t *field_put_int32(uint8_t *at, unsigned field, uint32_t number)
{
    return field_put_number(at, field, (uint64_t)(int32_t)number);
}

/* The fields that name a route: those that most messages begin with. */
static inline uint8_t *field_put_route(uint8_t *at, uint32_t modid, uint32_t cmdid)
{
    return field_put_int32(field_put_int32(at, 1, modid), 2, cmdid);
}

/* A HostInfo. */
static inline uint8_t *field_put_host(uint8_t *at, unsigned field, uint32_t ip, uint16_t port)
{
    uint8_t *end = field_put_int32(field_put_int32(at + 2, 1, ip), 2, port);
    at[0] = (uint8_t)(field << 3 | FIELD_BYTES);
    at[1] = (uint8_t)(end - at - 2);
    return end;
}

#endif
