/* SPDX-License-Identifier: MIT */
/* The codec by hand against generated code, which is what Lars clients use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "lars.pb-c.h"
#include "proto/frame.h"
#include "tools/bridge/message.h"

enum {
    HOSTS = 10922, /* as many as a frame can hold at all */
    FEW = 20000,
    MANY = 300000,
};

static uint64_t state_of_chance = 1;

static uint32_t chance(void)
{
    state_of_chance = state_of_chance * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(state_of_chance >> 32);
}

/* Of any length on the wire, from nothing to ten bytes. */
static int32_t any_number(void)
{
    return (int32_t)(chance() >> chance() % 33 % 32) * (int32_t)(chance() % 8 != 0);
}

/* A body, framed; the test frees it. */
struct datagram {
    uint8_t *bytes;
    size_t size;
};

static struct datagram datagram(int32_t id, const void *message)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    struct datagram made = {malloc(FRAME_HEADER + length + 1), FRAME_HEADER + length};
    assert_non_null(made.bytes);
    frame_header(made.bytes, id, (uint32_t)length);
    protobuf_c_message_pack(message, made.bytes + FRAME_HEADER);
    return made;
}

static const char *decode(int32_t id, const void *message, struct request *out)
{
    struct datagram made = datagram(id, message);
    const char *wrong = message_decode(made.bytes, made.size, out);
    free(made.bytes);
    return wrong;
}

static void every_request_means_what_generated_code_encoded(void **state)
{
    (void)state;
    for (int i = 0; i < FEW; i++) {
        struct request got;
        Lars__GetHostRequest host = LARS__GET_HOST_REQUEST__INIT;
        host.seq = (uint32_t)any_number();
        host.modid = any_number();
        host.cmdid = any_number();
        assert_null(decode(LARS__MESSAGE_ID__ID_GetHostRequest, &host, &got));
        assert_int_equal(got.kind, REQUEST_HOST);
        assert_int_equal(got.seq, host.seq);
        assert_int_equal(got.host.modid, (uint32_t)host.modid);
        assert_int_equal(got.host.cmdid, (uint32_t)host.cmdid);

        Lars__GetRouteRequest route = LARS__GET_ROUTE_REQUEST__INIT;
        route.modid = any_number();
        route.cmdid = any_number();
        assert_null(decode(LARS__MESSAGE_ID__ID_API_GetRouteRequest, &route, &got));
        assert_int_equal(got.kind, REQUEST_ROUTE);
        assert_int_equal(got.host.modid, (uint32_t)route.modid);
        assert_int_equal(got.host.cmdid, (uint32_t)route.cmdid);

        Lars__HostInfo info = LARS__HOST_INFO__INIT;
        Lars__ReportRequest report = LARS__REPORT_REQUEST__INIT;
        report.host = &info;
        report.modid = any_number();
        report.cmdid = any_number();
        report.retcode = any_number();
        info.ip = any_number() | 1;
        info.port = 1 + (int32_t)(chance() % 65535);
        assert_null(decode(LARS__MESSAGE_ID__ID_ReportRequest, &report, &got));
        assert_int_equal(got.kind, REPORT);
        assert_int_equal(got.host.modid, (uint32_t)report.modid);
        assert_int_equal(got.host.cmdid, (uint32_t)report.cmdid);
        assert_int_equal(ntohl(got.host.addr), (uint32_t)info.ip);
        assert_int_equal(ntohs(got.host.port), info.port);
        assert_int_equal(got.retcode, report.retcode);
    }
}

/* Generated code leaves fields out that are 0. */
static int32_t any_number_but_zero(void)
{
    return any_number() | 1;
}

static larshm_host any_host(void)
{
    return (larshm_host){.modid = (uint32_t)any_number_but_zero(),
                         .cmdid = (uint32_t)any_number_but_zero(),
                         .addr = htonl((uint32_t)any_number_but_zero()),
                         .port = htons((uint16_t)any_number_but_zero())};
}

static void fill_info(Lars__HostInfo *info, const larshm_host *host)
{
    lars__host_info__init(info);
    info->ip = (int32_t)ntohl(host->addr);
    info->port = ntohs(host->port);
}

static void expect_same(const uint8_t *got, size_t size, const struct datagram *expected)
{
    assert_int_equal(size, expected->size);
    assert_memory_equal(got, expected->bytes, size);
}

static void every_host_answer_is_byte_for_byte_that_of_generated_code(void **state)
{
    (void)state;
    static uint8_t out[DATAGRAM_MAX];
    for (int i = 0; i < FEW; i++) {
        larshm_host host = any_host();
        Lars__HostInfo info;
        Lars__GetHostResponse response = LARS__GET_HOST_RESPONSE__INIT;
        fill_info(&info, &host);
        response.seq = (uint32_t)any_number_but_zero();
        response.modid = (int32_t)host.modid;
        response.cmdid = (int32_t)host.cmdid;
        response.retcode = i % 4;
        response.host = response.retcode == LARSHM_OK ? &info : NULL;
        struct datagram expected = datagram(LARS__MESSAGE_ID__ID_GetHostResponse, &response);
        expect_same(out, message_encode_host(out, response.seq, response.retcode, &host), &expected);
        free(expected.bytes);
    }
}

static void every_route_answer_is_byte_for_byte_that_of_generated_code(void **state)
{
    (void)state;
    enum {
        FIT = 3000, /* whatever they are */
    };
    static uint8_t out[DATAGRAM_MAX];
    static larshm_host hosts[FIT];
    static Lars__HostInfo infos[FIT];
    static Lars__HostInfo *pointers[FIT];
    static const size_t counts[] = {0, 1, 2, 100, FIT};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        bool whole;
        Lars__GetRouteResponse response = LARS__GET_ROUTE_RESPONSE__INIT;
        for (size_t k = 0; k < counts[i]; k++) {
            hosts[k] = any_host();
            fill_info(&infos[k], &hosts[k]);
            pointers[k] = &infos[k];
        }
        response.modid = any_number_but_zero();
        response.cmdid = any_number_but_zero();
        response.n_host = counts[i];
        response.host = pointers;
        struct datagram expected = datagram(LARS__MESSAGE_ID__ID_API_GetRouteResponse, &response);
        expect_same(out,
                    message_encode_route(out, (uint32_t)response.modid, (uint32_t)response.cmdid, hosts,
                                         counts[i], &whole),
                    &expected);
        assert_true(whole);
        free(expected.bytes);
    }
}

/* Bytes of an answer to a route with `count` hosts that are all like this one; without hosts, if they do not fit. */
static size_t route_size(uint32_t modid, const char *ip, uint16_t port, size_t count)
{
    static uint8_t out[DATAGRAM_MAX + 1];
    static larshm_host hosts[HOSTS];
    bool whole;
    for (size_t i = 0; i < count; i++)
        hosts[i] = (larshm_host){.addr = inet_addr(ip), .port = htons(port)};
    out[DATAGRAM_MAX] = 0x5a;
    size_t size = message_encode_route(out, modid, 0, hosts, count, &whole);
    assert_int_equal(out[DATAGRAM_MAX], 0x5a);
    assert_true(whole || size < FRAME_HEADER + 16);
    return size;
}

static void g2_answer_has_all_hosts_or_none(void **state)
{
    (void)state;
    /* Hosts of 6, 11 and 17 bytes on the wire, behind a header of 8 and a key of 4. */
    assert_int_equal(route_size(0, "0.0.0.1", 80, 10000), 8 + 4 + 10000 * 6);
    assert_int_equal(route_size(0, "10.0.0.1", 65535, 5954), 8 + 4 + 5954 * 11);
    assert_int_equal(route_size(0, "10.0.0.1", 65535, 5955), 8 + 4);
    assert_int_equal(route_size(0, "255.255.255.254", 65535, 3852), 8 + 4 + 3852 * 17);
    assert_int_equal(route_size(0, "255.255.255.254", 65535, HOSTS), 8 + 4);
    /* With a key of 7 bytes, 65507 - 8 - 7 is 9356 hosts of 7 bytes; with one of 8, a byte is missing for the last. */
    assert_int_equal(route_size(1 << 21, "0.0.1.1", 80, 9356), DATAGRAM_MAX);
    assert_int_equal(route_size(1 << 28, "0.0.1.1", 80, 9356), 8 + 8);
}

/* With the longest key and port. The manual, larshm-bridge(8), has these numbers. */
static void route_of_as_many_hosts_as_the_manual_says_fits(void **state)
{
    (void)state;
    static const struct {
        const char *highest_ip;
        size_t hosts;
    } limits[] = {{"15.255.255.255", 5952}, {"127.255.255.255", 5456}, {"255.255.255.254", 3851}};
    static uint8_t out[DATAGRAM_MAX];
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        static larshm_host hosts[HOSTS];
        bool whole;
        for (size_t j = 0; j <= limits[i].hosts; j++)
            hosts[j] = (larshm_host){.addr = inet_addr(limits[i].highest_ip), .port = htons(UINT16_MAX)};
        message_encode_route(out, UINT32_MAX, UINT32_MAX - 1, hosts, limits[i].hosts, &whole);
        assert_true(whole);
        message_encode_route(out, UINT32_MAX, UINT32_MAX - 1, hosts, limits[i].hosts + 1, &whole);
        assert_false(whole);
    }
}

static void fields_of_a_key_are_written_where_they_are_zero(void **state)
{
    (void)state;
    static uint8_t out[DATAGRAM_MAX];
    const larshm_host host = {0};
    bool whole;
    assert_int_equal(message_encode_host(out, 1, LARSHM_NOEXIST, &host), FRAME_HEADER + 8);
    assert_memory_equal(out + FRAME_HEADER, "\x08\x01\x10\0\x18\0\x20\x03", 8);
    assert_int_equal(message_encode_route(out, 0, 0, NULL, 0, &whole), FRAME_HEADER + 4);
    assert_memory_equal(out + FRAME_HEADER, "\x08\0\x10\0", 4);
}

/* A decoded report; whatever it holds is the same as `report`. */
static void expect_report(const struct request *got, const Lars__ReportRequest *report)
{
    assert_int_equal(got->host.modid, (uint32_t)report->modid);
    assert_int_equal(got->host.cmdid, (uint32_t)report->cmdid);
    assert_int_equal(got->retcode, report->retcode);
    assert_int_equal(ntohl(got->host.addr), (uint32_t)report->host->ip);
    assert_int_equal(ntohs(got->host.port), report->host->port);
}

/* What the bridge accepts is what generated code accepts, but for hosts and ports that are missing. */
static bool compare_report(const struct datagram *made)
{
    struct request got;
    const char *wrong = message_decode(made->bytes, made->size, &got);
    Lars__ReportRequest *report =
        lars__report_request__unpack(NULL, made->size - FRAME_HEADER, made->bytes + FRAME_HEADER);
    bool usable =
        report && report->host && report->host->ip && report->host->port >= 1 && report->host->port <= 65535;
    assert_int_equal(!wrong, usable);
    if (usable)
        expect_report(&got, report);
    if (report)
        lars__report_request__free_unpacked(report, NULL);
    return usable;
}

static void damaged_bytes_are_refused_or_read_as_generated_code_does(void **state)
{
    (void)state;
    int usable = 0;
    for (int i = 0; i < MANY; i++) {
        Lars__HostInfo info = LARS__HOST_INFO__INIT;
        Lars__ReportRequest report = LARS__REPORT_REQUEST__INIT;
        report.host = &info;
        report.modid = any_number();
        report.cmdid = any_number();
        report.retcode = any_number();
        info.ip = any_number();
        info.port = 1 + (int32_t)(chance() % 65535);
        struct datagram made = datagram(LARS__MESSAGE_ID__ID_ReportRequest, &report);
        for (uint32_t hits = chance() % 4; hits > 0; hits--)
            made.bytes[FRAME_HEADER + chance() % (made.size - FRAME_HEADER)] ^= (uint8_t)(1 << chance() % 8);
        if (chance() % 4 == 0) {
            made.size = FRAME_HEADER + chance() % (made.size - FRAME_HEADER + 1);
            frame_header(made.bytes, LARS__MESSAGE_ID__ID_ReportRequest,
                         (uint32_t)(made.size - FRAME_HEADER));
        }
        usable += compare_report(&made);
        free(made.bytes);
    }
    assert_in_range(usable, MANY / 10, MANY - MANY / 10);
}

/* The body of a report, with the id and size that make it a datagram. */
static const char *decode_body(int32_t id, const void *body, size_t size, struct request *out)
{
    uint8_t bytes[128];
    frame_header(bytes, id, (uint32_t)size);
    memcpy(bytes + FRAME_HEADER, body, size);
    return message_decode(bytes, FRAME_HEADER + size, out);
}
#define DECODE(id, body, out) decode_body(id, body, sizeof(body) - 1, out)

static void unknown_fields_are_skipped_and_the_last_value_counts(void **state)
{
    (void)state;
    struct request got;
    /* Field 9 as a number, eight bytes, a string and four bytes; then modid 5, modid 6, cmdid 7. */
    static const char body[] = "\x48\x96\x01"
                               "\x49"
                               "12345678"
                               "\x4a\x03"
                               "abc"
                               "\x4d"
                               "1234"
                               "\x08\x05\x08\x06\x10\x07";
    assert_null(DECODE(LARS__MESSAGE_ID__ID_API_GetRouteRequest, body, &got));
    assert_int_equal(got.host.modid, 6);
    assert_int_equal(got.host.cmdid, 7);
}

static void body_that_does_not_decode_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t size;
    } bad[] = {
        {"\x08", 1},                                              /* ends behind the key */
        {"\x08\x80", 2},                                          /* ends within a number */
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* a number of eleven bytes */
        {"\x80\x80\x80\x80\x80\x01", 6},                          /* a key of six bytes */
        {"\x0a\x01\x01", 3},                                      /* modid as a string */
        {"\x4a\x05\x01", 3},                                      /* a string longer than the rest */
        {"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* and much longer */
        {"\x49\x01\x02\x03\x04\x05\x06\x07", 8},                  /* seven of eight bytes */
        {"\x4d\x01\x02\x03", 4},                                  /* three of four bytes */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x0b", 1},                                              /* a group */
        {"\x0f", 1},                                              /* no wire type */
    };
    struct request got = {.seq = 77};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        for (int32_t id = 4; id <= 7; id += id == 4 ? 2 : 1)
            assert_non_null(decode_body(id, bad[i].body, bad[i].size, &got));
    assert_int_equal(got.seq, 77);
}

static void report_without_a_host_or_on_no_port_is_refused(void **state)
{
    (void)state;
    struct request got;
    static const int32_t bad[] = {0, -1, 65536, INT32_MIN, INT32_MAX};
    Lars__HostInfo info = LARS__HOST_INFO__INIT;
    Lars__ReportRequest report = LARS__REPORT_REQUEST__INIT;
    assert_non_null(decode(LARS__MESSAGE_ID__ID_ReportRequest, &report, &got));
    report.host = &info;
    info.ip = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        info.port = bad[i];
        assert_non_null(decode(LARS__MESSAGE_ID__ID_ReportRequest, &report, &got));
    }
    /* The host as a number, as an empty message, and as one that does not decode. */
    assert_non_null(DECODE(LARS__MESSAGE_ID__ID_ReportRequest, "\x18\x01", &got));
    assert_non_null(DECODE(LARS__MESSAGE_ID__ID_ReportRequest, "\x1a\x00", &got));
    assert_non_null(DECODE(LARS__MESSAGE_ID__ID_ReportRequest, "\x1a\x02\x10\x80", &got));
    info.port = 65535;
    info.ip = 0;
    assert_non_null(decode(LARS__MESSAGE_ID__ID_ReportRequest, &report, &got));
    info.ip = -1;
    assert_null(decode(LARS__MESSAGE_ID__ID_ReportRequest, &report, &got));
}

static void datagram_that_is_not_exactly_one_frame_is_refused(void **state)
{
    (void)state;
    struct request got;
    Lars__GetHostRequest request = LARS__GET_HOST_REQUEST__INIT;
    request.seq = 1;
    request.modid = -1;
    struct datagram made = datagram(LARS__MESSAGE_ID__ID_GetHostRequest, &request);
    for (size_t size = 0; size < made.size; size++)
        assert_non_null(message_decode(made.bytes, size, &got));
    made.bytes[made.size] = 0;
    assert_non_null(message_decode(made.bytes, made.size + 1, &got));
    assert_null(message_decode(made.bytes, made.size, &got));
    frame_header(made.bytes, LARS__MESSAGE_ID__ID_GetHostRequest, UINT32_MAX);
    assert_non_null(message_decode(made.bytes, made.size, &got));
    free(made.bytes);
}

static void only_what_an_agent_takes_is_taken(void **state)
{
    (void)state;
    struct request got;
    static const int32_t others[] = {0, 1, 2, 3, 5, 8, 9, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_non_null(DECODE(others[i], "", &got));
    assert_null(DECODE(LARS__MESSAGE_ID__ID_GetHostRequest, "", &got)); /* all zeros */
    assert_null(DECODE(LARS__MESSAGE_ID__ID_API_GetRouteRequest, "", &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_means_what_generated_code_encoded),
        cmocka_unit_test(every_host_answer_is_byte_for_byte_that_of_generated_code),
        cmocka_unit_test(every_route_answer_is_byte_for_byte_that_of_generated_code),
        cmocka_unit_test(fields_of_a_key_are_written_where_they_are_zero),
        cmocka_unit_test(g2_answer_has_all_hosts_or_none),
        cmocka_unit_test(route_of_as_many_hosts_as_the_manual_says_fits),
        cmocka_unit_test(damaged_bytes_are_refused_or_read_as_generated_code_does),
        cmocka_unit_test(unknown_fields_are_skipped_and_the_last_value_counts),
        cmocka_unit_test(body_that_does_not_decode_is_refused),
        cmocka_unit_test(report_without_a_host_or_on_no_port_is_refused),
        cmocka_unit_test(datagram_that_is_not_exactly_one_frame_is_refused),
        cmocka_unit_test(only_what_an_agent_takes_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
