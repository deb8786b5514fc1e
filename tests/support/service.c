/* SPDX-License-Identifier: MIT */
#include "tests/support/service.h"

#include <arpa/inet.h>
#include <signal.h>

#include "tests/support/rotation.h"
#include "tools/bench/loopback.h"

struct directory service;

int service_setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    directory_open(&service);
    fixture->fetcher.config.reporter_port = service.port;
    fixture->fetcher.config.more = rotation_without_time; /* a slow machine ends no window of calls */
    return 0;
}

int service_teardown(void **state)
{
    directory_close(&service);
    return fixture_teardown(state);
}

void service_meet(struct fixture *fixture, uint64_t reports)
{
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_reports) == reports);
    directory_listen(&service);
    directory_accept(&service);
}

void service_connect(struct fixture *fixture)
{
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    service_meet(fixture, 1);
    service_expect_reported(HOST(1), 1, 0);
}

Lars__ReportStatusRequest *service_takes(int timeout_ms)
{
    struct frame frame;
    enum frame_result result;
    while ((result = frame_stream_next(&service.input, &frame)) == FRAME_PARTIAL)
        if (!loopback_readable(service.fd, timeout_ms) || loopback_receive(service.fd, &service.input) <= 0)
            return NULL;
    assert_int_equal(result, FRAME_OK);
    assert_int_equal(frame.id, LARS__MESSAGE_ID__ID_ReportStatusRequest);
    Lars__ReportStatusRequest *report = lars__report_status_request__unpack(NULL, frame.length, frame.body);
    assert_non_null(report);
    return report;
}

Lars__ReportStatusRequest *service_expect(void)
{
    Lars__ReportStatusRequest *report = service_takes(EVENTUALLY_MS);
    if (!report)
        fail_msg("no report comes");
    return report;
}

void service_expect_nothing(int ms)
{
    if (service_takes(ms))
        fail_msg("a report came");
}

void service_expect_reported(uint32_t ip, uint32_t succ, uint32_t err)
{
    for (bool reported = false; !reported;) {
        Lars__ReportStatusRequest *report = service_expect();
        if (report->modid == 7 && report->cmdid == 7) {
            const Lars__HostCallResult *result = report_of(report, ip);
            reported = result->succ == succ && result->err == err;
        }
        report_free(report);
    }
}

void report_free(Lars__ReportStatusRequest *report)
{
    lars__report_status_request__free_unpacked(report, NULL);
}

const Lars__HostCallResult *report_of(const Lars__ReportStatusRequest *report, uint32_t ip)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i]->ip == (int32_t)ip)
            return report->results[i];
    fail_msg("a host is missing");
    return NULL;
}

void service_call(struct fixture *fixture, uint32_t cmdid, uint32_t ip, int retcode, int times)
{
    const larshm_host host = {.modid = 7, .cmdid = cmdid, .addr = htonl(ip), .port = htons(SERVICE_PORT)};
    for (int i = 0; i < times; i++)
        assert_int_equal(larshm_report(fixture->client, &host, retcode), LARSHM_OK);
}

void service_good_call(struct fixture *fixture, uint32_t ip, int retcode, int times)
{
    service_call(fixture, 7, ip, retcode, times);
}

void service_reload(struct fixture *fixture)
{
    unsigned before = process_said(&fixture->fetcher.process, "reloaded ");
    fetcher_configure(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "reloaded ") == before + 1);
}
