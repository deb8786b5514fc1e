/* SPDX-License-Identifier: MIT */
#include "fetcher/decode.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/balance.h"
#include "lars.pb-c.h"

size_t encode_request(struct route_key key, uint8_t out[static REQUEST_MAX])
{
    Lars__GetRouteRequest request = LARS__GET_ROUTE_REQUEST__INIT;
    request.modid = (int32_t)key.modid;
    request.cmdid = (int32_t)key.cmdid;
    size_t size = lars__get_route_request__pack(&request, out + FRAME_HEADER);
    frame_header(out, MESSAGE_GET_ROUTE_REQUEST, (uint32_t)size);
    return FRAME_HEADER + size;
}

static size_t encode_result(const struct host_result *result, uint8_t *out)
{
    Lars__ReportStatusRequest message = LARS__REPORT_STATUS_REQUEST__INIT;
    Lars__HostCallResult entry = LARS__HOST_CALL_RESULT__INIT, *entries[] = {&entry};
    entry.ip = (int32_t)ntohl(result->host.address);
    entry.port = ntohs(result->host.port);
    entry.succ = result->succ;
    entry.err = result->err;
    entry.overload = result->ejected;
    message.n_results = 1;
    message.results = entries;
    return lars__report_status_request__pack(&message, out);
}

/* Messages of one type that follow each other are one message to protobuf, and repeated fields add up: so the results
 * need no list of pointers to them. */
size_t encode_report(const struct status_report *report, uint8_t *out)
{
    Lars__ReportStatusRequest head = LARS__REPORT_STATUS_REQUEST__INIT;
    head.modid = (int32_t)report->key.modid;
    head.cmdid = (int32_t)report->key.cmdid;
    head.caller = (int32_t)report->caller;
    head.ts = report->time;
    size_t size = FRAME_HEADER + lars__report_status_request__pack(&head, out + FRAME_HEADER);
    for (uint32_t i = 0; i < report->count; i++)
        size += encode_result(&report->results[i], out + size);
    frame_header(out, MESSAGE_REPORT_STATUS_REQUEST, (uint32_t)(size - FRAME_HEADER));
    return size;
}

static int by_address(const void *left, const void *right)
{
    const struct host_addr *a = left, *b = right;
    return (host_addr_order(*a) > host_addr_order(*b)) - (host_addr_order(*a) < host_addr_order(*b));
}

static int usable(const Lars__HostInfo *info)
{
    uint32_t address = (uint32_t)info->ip;
    return address != INADDR_ANY && address != INADDR_BROADCAST && info->port >= 1 && info->port <= 65535;
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

int decode_answer(const uint8_t *body, size_t size, struct answer *out)
{
    Lars__GetRouteResponse *message = lars__get_route_response__unpack(NULL, size, body);
    if (!message)
        return -1;
    uint32_t count = 0, unusable = 0;
    for (size_t i = 0; i < message->n_host; i++) {
        const Lars__HostInfo *info = message->host[i];
        /* A usable host takes 6 bytes at least, so a frame cannot hold more than HOSTS_MAX of them. */
        if (usable(info) && count < HOSTS_MAX)
            out->hosts[count++] =
                (struct host_addr){.address = htonl((uint32_t)info->ip), .port = htons((uint16_t)info->port)};
        else
            unusable++;
    }
    out->key = route_key((uint32_t)message->modid, (uint32_t)message->cmdid);
    out->count = sort_and_dedup(out->hosts, count);
    out->unusable = unusable;
    int result = message->n_host > 0 && count == 0 ? -1 : 0;
    lars__get_route_response__free_unpacked(message, NULL);
    return result;
}
