/* SPDX-License-Identifier: MIT */
#include "fetcher/decode.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/balance.h"
#include "proto/field.h"

/* Field numbers, as in lars.proto. */
enum {
    MODID = 1,
    CMDID = 2,
    HOST = 3,
    VERSION = 4,
    CALLER = 3,
    RESULT = 4,
    TIME = 5,
    MAX_FRAME = 15,
    HOST_IP = 1,
    HOST_PORT = 2,
    RESULT_SUCC = 3,
    RESULT_ERR = 4,
    RESULT_OVERLOAD = 5,
};

/* The body ends at `end`. */
static size_t finish(uint8_t *frame, int32_t id, const uint8_t *end)
{
    size_t size = (size_t)(end - frame);
    frame_header(frame, id, (uint32_t)(size - FRAME_HEADER));
    return size;
}

size_t encode_request(struct route_key key, uint32_t max_frame, uint8_t out[static REQUEST_MAX])
{
    uint8_t *end = field_put_route(out + FRAME_HEADER, key.modid, key.cmdid);
    if (max_frame)
        end = field_put_number(end, MAX_FRAME, max_frame);
    return finish(out, MESSAGE_GET_ROUTE_REQUEST, end);
}

static uint8_t *put_result(uint8_t *at, const struct host_result *result)
{
    uint8_t *end = field_put_int32(at + 2, HOST_IP, ntohl(result->host.address));
    end = field_put_int32(end, HOST_PORT, ntohs(result->host.port));
    end = field_put_number(end, RESULT_SUCC, result->succ);
    end = field_put_number(end, RESULT_ERR, result->err);
    end = field_put_number(end, RESULT_OVERLOAD, result->ejected);
    at[0] = RESULT << 3 | FIELD_BYTES;
    at[1] = (uint8_t)(end - at - 2);
    return end;
}

size_t encode_report(const struct status_report *report, uint8_t *out)
{
    uint8_t *at = field_put_route(out + FRAME_HEADER, report->key.modid, report->key.cmdid);
    at = field_put_int32(at, CALLER, report->caller);
    for (uint32_t i = 0; i < report->count; i++)
        at = put_result(at, &report->results[i]);
    return finish(out, MESSAGE_REPORT_STATUS_REQUEST, field_put_number(at, TIME, report->time));
}

static int by_address(const void *left, const void *right)
{
    const struct host_addr *a = left, *b = right;
    return (host_addr_order(*a) > host_addr_order(*b)) - (host_addr_order(*a) < host_addr_order(*b));
}

static bool usable(uint32_t address, int32_t port)
{
    return address != INADDR_ANY && address != INADDR_BROADCAST && port >= 1 && port <= UINT16_MAX;
}

/* An answer is a set: sorted, so that the same set always looks the same, and without repeats. */
static uint32_t sort_and_dedup(struct host_addr *hosts, uint32_t count)
{
    uint32_t kept = 0;
    qsort(hosts, count, sizeof(*hosts), by_address);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || by_address(&hosts[kept - 1], &hosts[i]) != 0)
            hosts[kept++] = hosts[i];
    return kept;
}

/* When the room is used up, repeats go. One host more than a table holds says as much as all of them. */
static void add_host(struct answer *out, uint32_t address, uint16_t port)
{
    if (out->count == 2 * HOSTS_MAX) {
        uint32_t kept = sort_and_dedup(out->hosts, out->count);
        out->count = kept > HOSTS_MAX ? HOSTS_MAX + 1 : kept;
    }
    out->hosts[out->count++] = (struct host_addr){.address = htonl(address), .port = htons(port)};
}

/* Adds the host if it can be used. False: it does not decode. */
static bool take_host(struct field_cursor body, struct answer *out)
{
    uint32_t address = 0;
    int32_t port = 0;
    struct field field;
    while (field_next(&body, &field)) {
        if (field.number != HOST_IP && field.number != HOST_PORT)
            continue;
        if (field.type != FIELD_NUMBER)
            return false;
        if (field.number == HOST_IP)
            address = (uint32_t)field.value;
        else
            port = (int32_t)field.value;
    }
    if (usable(address, port))
        add_host(out, address, (uint16_t)port);
    else
        out->unusable++;
    return !body.bad;
}

enum decode_result decode_answer(const uint8_t *body, size_t size, struct answer *out)
{
    struct field_cursor cursor = {body, body + size, false};
    struct field field;
    out->key = route_key(0, 0);
    out->count = out->unusable = 0;
    out->has_version = false;
    while (field_next(&cursor, &field)) {
        if (field.number > VERSION)
            continue;
        if (field.type != (field.number == HOST ? FIELD_BYTES : FIELD_NUMBER))
            return DECODE_BAD;
        if (field.number == MODID)
            out->key.modid = (uint32_t)field.value;
        else if (field.number == CMDID)
            out->key.cmdid = (uint32_t)field.value;
        else if (field.number == VERSION) {
            out->has_version = true;
            out->version = field.value;
        } else if (!take_host(field.bytes, out))
            return DECODE_BAD;
    }
    if (cursor.bad || (out->unusable && out->count == 0))
        return DECODE_BAD;
    out->count = sort_and_dedup(out->hosts, out->count);
    return out->count > HOSTS_MAX ? DECODE_TOO_MANY : DECODE_OK;
}

/* Peers write fields by number. One that is left out is 0. */
bool decode_route(const uint8_t *start, size_t size, struct route_key *key)
{
    struct field_cursor cursor = {start, start + size, false};
    struct route_key found = route_key(0, 0);
    struct field field = {0};
    while (field_next(&cursor, &field) && field.number < HOST) {
        if (field.type != FIELD_NUMBER)
            return false;
        *(field.number == MODID ? &found.modid : &found.cmdid) = (uint32_t)field.value;
    }
    if (field.number < HOST)
        return false;
    *key = found;
    return true;
}
