/* SPDX-License-Identifier: MIT */
#include "proto/message_id.h"

#include "lars.pb-c.h"

#define SAME(ours, theirs)                                                                                   \
    _Static_assert((int)MESSAGE_##ours == (int)LARS__MESSAGE_ID__ID_##theirs, "as in lars.proto")

SAME(GET_ROUTE_REQUEST, GetRouteRequest);
SAME(GET_ROUTE_RESPONSE, GetRouteResponse);
SAME(REPORT_STATUS_REQUEST, ReportStatusRequest);
SAME(GET_HOST_REQUEST, GetHostRequest);
SAME(GET_HOST_RESPONSE, GetHostResponse);
SAME(REPORT_REQUEST, ReportRequest);
SAME(API_GET_ROUTE_REQUEST, API_GetRouteRequest);
SAME(API_GET_ROUTE_RESPONSE, API_GetRouteResponse);
