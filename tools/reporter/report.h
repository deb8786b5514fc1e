/* SPDX-License-Identifier: MIT */
/* The body of a ReportStatusRequest. It is read by hand, as 33,000 a second come from a large fleet. */
#ifndef TOOLS_REPORTER_REPORT_H
#define TOOLS_REPORTER_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/message_id.h"
#include "tools/reporter/status.h"

/*
 * Calls `each` for each result in the report, in order; those of hosts that cannot be, with address 0 or a port out of
 * range, are left out and counted in *impossible. Returns 0, or -1 when the body is no ReportStatusRequest.
 */
typedef void report_status_fn(void *arg, const struct status *status);
int report_decode(const uint8_t *body, size_t length, report_status_fn *each, void *arg, size_t *impossible);

#endif
