/* SPDX-License-Identifier: MIT */
/*
 * Encoded and decoded by hand: with generated code a request took twice as long outside the kernel, more than batches
 * of datagrams save inside. The test compares every byte with the generated code.
 */
#include "tools/bridge/message.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/message_id.h"

/* Field numbers, as in lars.proto. */
enum {
    HOST_IN_REPORT = 3,
    HOST_IN_HOST_RESPONSE = 5,
    HOST_IN_ROUTE_RESPONSE = 3,
};

enum {
    NUMBERS_MAX = 4,       /* fields of a message that is taken */
    KEY_BYTES_MAX = 5,     /* of a field's key, or length */
    NUMBER_BYTES_MAX = 10, /* of a number; a negative one takes all of them */
    HOST_BYTES_MAX = 17,   /* key, length, key and ten bytes of ip, key and three bytes of port */
};

enum wire_type {
    WIRE_NUMBER = 0,
    WIRE_EIGHT_BYTES = 1,
    WIRE_BYTES = 2,
    WIRE_FOUR_BYTES = 5,
};

/* What is left of a body. Once it is bad it stays bad. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

/* Fields by number, from 1. */
struct numbers {
    uint32_t field[1 + NUMBERS_MAX];
    bool present;
};

static uint64_t take_number(struct cursor *cursor, unsigned bytes_max)
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

static struct cursor take_bytes(struct cursor *cursor, uint64_t count)
{
    struct cursor taken = {cursor->at, cursor->at, cursor->bad};
    if (count > (uint64_t)(cursor->end - cursor->at))
        cursor->bad = true;
    else
        cursor->at = taken.end = cursor->at + count;
    return taken;
}

/*
 * Takes fields 1 .. `count`, which are numbers; but if `host` is given, HOST_IN_REPORT is a message of two numbers. A
 * field that comes again replaces what it was, others are skipped.
 */
static bool take_message(struct cursor body, unsigned count, struct numbers *out, struct numbers *host)
{
    while (body.at < body.end) {
        uint64_t key = take_number(&body, KEY_BYTES_MAX), field = key >> 3;
        enum wire_type type = key & 7;
        uint32_t number = 0;
        struct cursor bytes = {0};
        if (type == WIRE_NUMBER)
            number = (uint32_t)take_number(&body, NUMBER_BYTES_MAX);
        else if (type == WIRE_BYTES)
            bytes = take_bytes(&body, take_number(&body, KEY_BYTES_MAX));
        else if (type == WIRE_EIGHT_BYTES || type == WIRE_FOUR_BYTES)
            take_bytes(&body, type == WIRE_EIGHT_BYTES ? 8 : 4);
        else
            body.bad = true;
        if (body.bad || field == 0)
            return false;
        if (host && field == HOST_IN_REPORT) {
            if (type != WIRE_BYTES || !take_message(bytes, 2, host, NULL))
                return false;
        } else if (field <= count) {
            if (type != WIRE_NUMBER)
                return false;
            out->field[field] = number;
        }
    }
    out->present = true;
    return true;
}

const char *message_decode(const uint8_t *datagram, size_t size, struct request *out)
{
    static const char *const undecodable = "its body does not decode";
    struct frame frame;
    struct numbers got = {0}, host = {0};
    size_t used;
    if (frame_parse(datagram, size, &frame, &used) != FRAME_OK || used != size)
        return "its size is not what its header says";
    const struct cursor body = {frame.body, frame.body + frame.length, false};
    switch (frame.id) {
    case MESSAGE_GET_HOST_REQUEST:
        if (!take_message(body, 3, &got, NULL))
            return undecodable;
        *out = (struct request){
            .kind = REQUEST_HOST,
            .seq = got.field[1],
            .host = {.modid = got.field[2], .cmdid = got.field[3]},
        };
        return NULL;
    case MESSAGE_REPORT_REQUEST:
        if (!take_message(body, 4, &got, &host))
            return undecodable;
        if (!host.present || host.field[1] == 0)
            return "a report without a host";
        if (host.field[2] < 1 || host.field[2] > UINT16_MAX)
            return "a report on a port that is none";
        *out = (struct request){
            .kind = REPORT,
            .host = {.modid = got.field[1],
                     .cmdid = got.field[2],
                     .addr = htonl(host.field[1]),
                     .port = htons((uint16_t)host.field[2])},
            .retcode = (int32_t)got.field[4],
        };
        return NULL;
    case MESSAGE_API_GET_ROUTE_REQUEST:
        if (!take_message(body, 2, &got, NULL))
            return undecodable;
        *out = (struct request){
            .kind = REQUEST_ROUTE,
            .host = {.modid = got.field[1], .cmdid = got.field[2]},
        };
        return NULL;
    default:
        return "no message that an agent takes";
    }
}

static uint8_t *put_number(uint8_t *at, unsigned field, uint64_t number)
{
    if (number == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_NUMBER);
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

/* An int32 goes out as an int64: a negative one has its sign in all ten bytes. */
static uint8_t *put_int32(uint8_t *at, unsigned field, uint32_t number)
{
    return put_number(at, field, (uint64_t)(int32_t)number);
}

static uint8_t *put_host(uint8_t *at, unsigned field, const larshm_host *host)
{
    uint8_t *end = put_int32(at + 2, 1, ntohl(host->addr));
    end = put_int32(end, 2, ntohs(host->port));
    at[0] = (uint8_t)(field << 3 | WIRE_BYTES);
    at[1] = (uint8_t)(end - at - 2);
    return end;
}

static size_t finish(uint8_t *out, int32_t id, const uint8_t *end)
{
    size_t size = (size_t)(end - out);
    frame_header(out, id, (uint32_t)(size - FRAME_HEADER));
    return size;
}

size_t message_encode_host(uint8_t out[static DATAGRAM_MAX], uint32_t seq, int32_t retcode,
                           const larshm_host *host)
{
    uint8_t *at = put_number(out + FRAME_HEADER, 1, seq);
    at = put_int32(at, 2, host->modid);
    at = put_int32(at, 3, host->cmdid);
    at = put_int32(at, 4, (uint32_t)retcode);
    if (retcode == LARSHM_OK)
        at = put_host(at, HOST_IN_HOST_RESPONSE, host);
    return finish(out, MESSAGE_GET_HOST_RESPONSE, at);
}

size_t message_encode_route(uint8_t out[static DATAGRAM_MAX], uint32_t modid, uint32_t cmdid,
                            const larshm_host *hosts, size_t count, size_t *sent)
{
    uint8_t *at = put_int32(out + FRAME_HEADER, 1, modid);
    size_t i;
    at = put_int32(at, 2, cmdid);
    for (i = 0; i < count; i++) {
        uint8_t host[HOST_BYTES_MAX];
        size_t size = (size_t)(put_host(host, HOST_IN_ROUTE_RESPONSE, &hosts[i]) - host);
        if (size > DATAGRAM_MAX - (size_t)(at - out))
            break;
        memcpy(at, host, size);
        at += size;
    }
    *sent = i;
    return finish(out, MESSAGE_API_GET_ROUTE_RESPONSE, at);
}
