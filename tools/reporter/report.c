/* SPDX-License-Identifier: MIT */
#include "tools/reporter/report.h"

#include "lars.pb-c.h"

int report_decode(const uint8_t *body, size_t length, report_status_fn *each, void *arg, size_t *impossible)
{
    Lars__ReportStatusRequest *report = lars__report_status_request__unpack(NULL, length, body);
    if (!report)
        return -1;
    struct status status = {
        .route = {.modid = (uint32_t)report->modid, .cmdid = (uint32_t)report->cmdid},
        .caller = (uint32_t)report->caller,
        .time = report->ts,
    };
    *impossible = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const Lars__HostCallResult *result = report->results[i];
        if (result->ip == 0 || result->port < 1 || result->port > UINT16_MAX) {
            ++*impossible;
            continue;
        }
        status.host = (struct host_addr){htonl((uint32_t)result->ip), htons((uint16_t)result->port)};
        status.successes = result->succ;
        status.failures = result->err;
        status.overloaded = result->overload;
        each(arg, &status);
    }
    lars__report_status_request__free_unpacked(report, NULL);
    return 0;
}
