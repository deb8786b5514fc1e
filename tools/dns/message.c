/* SPDX-License-Identifier: MIT */
#include "tools/dns/message.h"

#include <arpa/inet.h>

#include "lars.pb-c.h"

enum {
    HOST = 3, /* in a GetRouteResponse, see lars.proto */
    VERSION = 4,
};

int message_decode_request(const uint8_t *body, size_t length, struct route_key *key, uint32_t *max_frame)
{
    Lars__GetRouteRequest *request = lars__get_route_request__unpack(NULL, length, body);
    if (!request)
        return -1;
    *key = (struct route_key){.modid = (uint32_t)request->modid, .cmdid = (uint32_t)request->cmdid};
    *max_frame = request->max_frame;
    lars__get_route_request__free_unpacked(request, NULL);
    return 0;
}

uint32_t message_encode_response(struct route_key key, const struct host_addr *hosts, size_t count,
                                 uint8_t out[static RESPONSE_MAX])
{
    uint8_t *at = field_put_route(out, key.modid, key.cmdid);
    for (size_t i = 0; i < count; i++)
        at = field_put_host(at, HOST, ntohl(hosts[i].address), ntohs(hosts[i].port));
    return (uint32_t)(at - out);
}

uint32_t message_encode_version(uint64_t version, uint8_t out[static ANSWER_VERSION_MAX])
{
    return (uint32_t)(field_put_number(out, VERSION, version) - out);
}
