/* SPDX-License-Identifier: MIT */
#include "tools/dns/message.h"

#include <arpa/inet.h>

#include "lars.pb-c.h"
#include "proto/field.h"

enum {
    HOST = 3, /* in a GetRouteResponse, see lars.proto */
};

int message_decode_request(const uint8_t *body, size_t length, struct route_key *key)
{
    Lars__GetRouteRequest *request = lars__get_route_request__unpack(NULL, length, body);
    if (!request)
        return -1;
    *key = (struct route_key){.modid = (uint32_t)request->modid, .cmdid = (uint32_t)request->cmdid};
    lars__get_route_request__free_unpacked(request, NULL);
    return 0;
}

uint32_t message_encode_response(struct route_key key, const struct host_addr *hosts, size_t count,
                                 uint8_t out[static FRAME_BODY_MAX], size_t *sent)
{
    uint8_t *at = field_put_route(out, key.modid, key.cmdid);
    size_t i;
    for (i = 0; i < count && out + FRAME_BODY_MAX - at >= FIELD_HOST_MAX; i++)
        at = field_put_host(at, HOST, ntohl(hosts[i].address), ntohs(hosts[i].port));
    *sent = i;
    return (uint32_t)(at - out);
}
