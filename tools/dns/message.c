/* SPDX-License-Identifier: MIT */
#include "tools/dns/message.h"

#include <stdlib.h>

#include "lars.pb-c.h"

enum {
    HOST_ENCODED_MAX = 17, /* two bytes, ip: tag and ten bytes, port: tag and three bytes */
};

struct message_encoder {
    Lars__HostInfo hosts[HOSTS_MAX];
    Lars__HostInfo *pointers[HOSTS_MAX]; /* to the hosts, in order */
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

struct message_encoder *message_encoder_new(void)
{
    struct message_encoder *encoder = malloc(sizeof(*encoder));
    if (!encoder)
        return NULL;
    for (size_t i = 0; i < HOSTS_MAX; i++) {
        lars__host_info__init(&encoder->hosts[i]);
        encoder->pointers[i] = &encoder->hosts[i];
    }
    return encoder;
}

void message_encoder_free(struct message_encoder *encoder)
{
    free(encoder);
}

uint32_t message_encode_response(struct message_encoder *encoder, struct route_key key,
                                 const struct host_addr *hosts, size_t count,
                                 uint8_t out[static FRAME_BODY_MAX], size_t *sent)
{
    Lars__GetRouteResponse response = LARS__GET_ROUTE_RESPONSE__INIT;
    response.modid = (int32_t)key.modid;
    response.cmdid = (int32_t)key.cmdid;
    response.n_host = count;
    response.host = encoder->pointers;
    for (size_t i = 0; i < count; i++) {
        encoder->hosts[i].ip = (int32_t)ntohl(hosts[i].address);
        encoder->hosts[i].port = ntohs(hosts[i].port);
    }
    size_t length;
    while ((length = lars__get_route_response__get_packed_size(&response)) > FRAME_BODY_MAX)
        response.n_host -= (length - FRAME_BODY_MAX + HOST_ENCODED_MAX - 1) / HOST_ENCODED_MAX;
    lars__get_route_response__pack(&response, out);
    *sent = response.n_host;
    return (uint32_t)length;
}
