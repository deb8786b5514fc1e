/* SPDX-License-Identifier: MIT */
/* Which message a frame carries. Plain numbers, so that only decoders need the generated code. */
#ifndef PROTO_MESSAGE_ID_H
#define PROTO_MESSAGE_ID_H

enum message_id {
    /* Agent and directory, over TCP. */
    MESSAGE_GET_ROUTE_REQUEST = 1,
    MESSAGE_GET_ROUTE_RESPONSE = 2,
    /* Agent to report service, over TCP. */
    MESSAGE_REPORT_STATUS_REQUEST = 3,
    /* Client and agent, over UDP. */
    MESSAGE_GET_HOST_REQUEST = 4,
    MESSAGE_GET_HOST_RESPONSE = 5,
    MESSAGE_REPORT_REQUEST = 6,
    MESSAGE_API_GET_ROUTE_REQUEST = 7,
    MESSAGE_API_GET_ROUTE_RESPONSE = 8,
};

#endif
