/* SPDX-License-Identifier: MIT */
/*
 * Encoded and decoded by hand: with generated code a request took twice as long outside the kernel, more than batches
 * of datagrams save inside. The test compares with the generated code; but the fields of a key are written where they are 0, too.
 */
#include "tools/bridge/message.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "proto/field.h"
#include "proto/frame.h"
#include "proto/message_id.h"

/* Field numbers, as in lars.proto. */
enum {
    HOST_IN_REPORT = 3,
    HOST_IN_HOST_RESPONSE = 5,
    HOST_IN_ROUTE_RESPONSE = 3,
};

enum {
    NUMBERS_MAX = 4, /* fields of a message that is taken */
};

/* Fields by number, from 1. */
struct numbers {
    uint32_t field[1 + NUMBERS_MAX];
    bool present;
};

/*
 * Takes fields 1 .. `count`, which are numbers; but if `host` is given, HOST_IN_REPORT is a message of two numbers. A
 * field that comes again replaces what it was, others are skipped.
 */
static bool take_message(struct field_cursor body, unsigned count, struct numbers *out, struct numbers *host)
{
    struct field field;
    while (field_next(&body, &field)) {
        if (host && field.number == HOST_IN_REPORT) {
            if (field.type != FIELD_BYTES || !take_message(field.bytes, 2, host, NULL))
                return false;
        } else if (field.number <= count) {
            if (field.type != FIELD_NUMBER)
                return false;
            out->field[field.number] = (uint32_t)field.value;
        }
    }
    out->present = true;
    return !body.bad;
}

const char *message_decode(const uint8_t *datagram, size_t size, struct request *out)
{
    static const char *const undecodable = "its body does not decode";
    struct frame frame;
    struct numbers got = {0}, host = {0};
    size_t used;
    if (frame_parse(datagram, size, &frame, &used) != FRAME_OK || used != size)
        return "its size is not what its header says";
    const struct field_cursor body = {frame.body, frame.body + frame.length, false};
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

static size_t finish(uint8_t *out, int32_t id, const uint8_t *end)
{
    size_t size = (size_t)(end - out);
    frame_header(out, id, (uint32_t)(size - FRAME_HEADER));
    return size;
}

size_t message_encode_host(uint8_t out[static DATAGRAM_MAX], uint32_t seq, int32_t retcode,
                           const larshm_host *host)
{
    uint8_t *at = field_put_number(out + FRAME_HEADER, 1, seq);
    at = field_put_int32(at, 2, host->modid);
    at = field_put_int32(at, 3, host->cmdid);
    if (retcode == LARSHM_OK)
        at = field_put_host(at, HOST_IN_HOST_RESPONSE, ntohl(host->addr), ntohs(host->port));
    else
        at = field_put_int32(at, 4, (uint32_t)retcode);
    return finish(out, MESSAGE_GET_HOST_RESPONSE, at);
}

size_t message_encode_route(uint8_t out[static DATAGRAM_MAX], uint32_t modid, uint32_t cmdid,
                            const larshm_host *hosts, size_t count, bool *whole)
{
    uint8_t *const first = field_put_route(out + FRAME_HEADER, modid, cmdid), *at = first;
    *whole = true;
    for (size_t i = 0; i < count && *whole; i++) {
        uint8_t host[FIELD_HOST_MAX];
        const uint8_t *end =
            field_put_host(host, HOST_IN_ROUTE_RESPONSE, ntohl(hosts[i].addr), ntohs(hosts[i].port));
        size_t size = (size_t)(end - host);
        *whole = size <= DATAGRAM_MAX - (size_t)(at - out);
        if (*whole)
            at = mempcpy(at, host, size);
    }
    return finish(out, MESSAGE_API_GET_ROUTE_RESPONSE, *whole ? at : first);
}
