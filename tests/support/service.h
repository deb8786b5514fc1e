/* SPDX-License-Identifier: MIT */
/* A report service for the fetcher of a fixture, one per test program. Like a directory it does what a test says. */
#ifndef TESTS_SUPPORT_SERVICE_H
#define TESTS_SUPPORT_SERVICE_H

#include "lars.pb-c.h"
#include "tests/support/fixture.h"

enum {
    SERVICE_PORT = 7000,     /* of the hosts of the good route, see fixture.h */
    SERVICE_ROUND_MS = 1000, /* report_interval */
    SERVICE_QUIET_MS = 300,  /* long enough to show that something does not happen */
};

/* Host 10.0.0.last */
#define HOST(last) (UINT32_C(0x0a000000) + (last))

/* Its port, and its connection. */
extern struct directory service;

/* cmocka set-up and tear-down as those of a fixture, with the port of the service in the configuration. */
int service_setup(void **state);
int service_teardown(void **state);
#define service_test(test) cmocka_unit_test_setup_teardown(test, service_setup, service_teardown)

/* The service comes up when the fetcher has heard of so many calls: the first message of a route counts them all. */
void service_meet(struct fixture *fixture, uint64_t reports);
/* A good route; one good call to HOST(1) was reported and sent. */
void service_connect(struct fixture *fixture);

/* The next message; NULL: none came in time. It is given back with report_free(). */
Lars__ReportStatusRequest *service_takes(int timeout_ms);
Lars__ReportStatusRequest *service_expect(void);
void service_expect_nothing(int ms);
/* One of the next messages about the good route says this of a host. */
void service_expect_reported(uint32_t ip, uint32_t succ, uint32_t err);
void report_free(Lars__ReportStatusRequest *report);

/* What is said of a host, which must be there. */
const Lars__HostCallResult *report_of(const Lars__ReportStatusRequest *report, uint32_t ip);

/* The client reports so many calls to a host of route 7/cmdid, or of the good route. */
void service_call(struct fixture *fixture, uint32_t cmdid, uint32_t ip, int retcode, int times);
void service_good_call(struct fixture *fixture, uint32_t ip, int retcode, int times);

/* Has the fetcher take over its configuration as it is now. */
void service_reload(struct fixture *fixture);

#endif
