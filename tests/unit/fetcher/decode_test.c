/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include "fetcher/balance.h"
#include "fetcher/decode.h"
#include "lars.pb-c.h"
#include "tests/support/directory.h"

enum {
    GARBAGE_ROUNDS = 200000,
    MUTATED_ROUNDS = 100000,
};

static struct answer answer;

/* Encodes the hosts as an answer for 7/8 and decodes it. */
static int decode(const struct wire_host *hosts, size_t count)
{
    uint8_t *bytes = malloc(answer_frame_max(count));
    assert_non_null(bytes);
    size_t size = answer_frame(bytes, 7, 8, hosts, count);
    int result = (int)decode_answer(bytes + FRAME_HEADER, size - FRAME_HEADER, &answer);
    free(bytes);
    return result;
}

static void expect_host(uint32_t i, uint32_t address, uint16_t port)
{
    assert_true(i < answer.count);
    assert_int_equal(ntohl(answer.hosts[i].address), address);
    assert_int_equal(ntohs(answer.hosts[i].port), port);
}

/* What every table must be, whatever bytes it came from. */
static void expect_sorted_usable_and_unique(void)
{
    assert_true(answer.count <= HOSTS_MAX);
    uint64_t before = 0;
    for (uint32_t i = 0; i < answer.count; i++) {
        uint32_t address = ntohl(answer.hosts[i].address);
        uint64_t place = (uint64_t)address << 16 | ntohs(answer.hosts[i].port);
        if (address == 0 || address == UINT32_MAX || answer.hosts[i].port == 0 || place <= before)
            fail_msg("host %u is out of place", i);
        before = place;
    }
}

static void request_names_the_route_and_fits_its_buffer(void **state)
{
    (void)state;
    const struct route_key keys[] = {{0, 0}, {1, 2}, {UINT32_MAX, UINT32_MAX - 1}, {1U << 31, 0}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        uint8_t bytes[REQUEST_MAX];
        struct frame frame;
        size_t used = 0, size = encode_request(keys[i], UINT32_MAX, bytes);
        assert_true(size <= REQUEST_MAX);
        assert_int_equal(frame_parse(bytes, size, &frame, &used), FRAME_OK);
        assert_int_equal(used, size);
        assert_int_equal(frame.id, LARS__MESSAGE_ID__ID_GetRouteRequest);
        Lars__GetRouteRequest *request = lars__get_route_request__unpack(NULL, frame.length, frame.body);
        assert_non_null(request);
        assert_int_equal((uint32_t)request->modid, keys[i].modid);
        assert_int_equal((uint32_t)request->cmdid, keys[i].cmdid);
        assert_int_equal(request->max_frame, UINT32_MAX);
        lars__get_route_request__free_unpacked(request, NULL);
    }
}

static void fields_of_a_key_are_written_where_they_are_zero(void **state)
{
    (void)state;
    uint8_t request[REQUEST_MAX], report[64];
    const struct status_report none = {.key = route_key(0, 0)};
    assert_int_equal(encode_request(route_key(0, 0), 0, request), FRAME_HEADER + 4);
    assert_memory_equal(request + FRAME_HEADER, "\x08\0\x10\0", 4);
    assert_true(encode_report(&none, report) > FRAME_HEADER + 4);
    assert_memory_equal(report + FRAME_HEADER, "\x08\0\x10\0", 4);
}

static void hosts_are_sorted_by_address_and_port_as_unsigned_numbers(void **state)
{
    (void)state;
    const struct wire_host hosts[] = {{-2, 1}, {9, 256}, {INT32_MIN, 2}, {9, 255}, {INT32_MAX, 65535}};
    assert_int_equal(decode(hosts, 5), 0);
    assert_true(route_key_equal(answer.key, route_key(7, 8)));
    assert_int_equal(answer.count, 5);
    expect_host(0, 9, 255);
    expect_host(1, 9, 256);
    expect_host(2, INT32_MAX, 65535);
    expect_host(3, 0x80000000, 2);
    expect_host(4, 0xfffffffe, 1);
}

static void host_that_is_named_twice_is_there_once(void **state)
{
    (void)state;
    const struct wire_host hosts[] = {{5, 80}, {4, 80}, {5, 80}, {5, 81}, {5, 80}};
    assert_int_equal(decode(hosts, 5), 0);
    assert_int_equal(answer.count, 3);
    assert_int_equal(answer.unusable, 0);
    expect_host(0, 4, 80);
    expect_host(1, 5, 80);
    expect_host(2, 5, 81);
}

static void unusable_hosts_are_left_out_and_counted(void **state)
{
    (void)state;
    const struct wire_host hosts[] = {{0, 80},        {-1, 80}, {5, 0},         {5, -1},    {5, 65536},
                                      {5, INT32_MAX}, {5, 80},  {5, INT32_MIN}, {5, 65535}, {-1, 0}};
    assert_int_equal(decode(hosts, 10), 0);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.unusable, 8);
    expect_host(0, 5, 80);
    expect_host(1, 5, 65535);
}

static void answer_without_hosts_is_an_answer(void **state)
{
    (void)state;
    assert_int_equal(decode(NULL, 0), 0);
    assert_true(route_key_equal(answer.key, route_key(7, 8)));
    assert_int_equal(answer.count, 0);
}

static void answer_whose_hosts_are_all_unusable_is_not_an_empty_one(void **state)
{
    (void)state;
    const struct wire_host hosts[] = {{0, 80}, {5, 0}};
    assert_int_equal(decode(hosts, 2), DECODE_BAD);
}

static void largest_answer_is_decoded_whole(void **state)
{
    (void)state;
    enum {
        LARGEST = (FRAME_BODY_MAX - 4) / 6
    };
    static struct wire_host hosts[LARGEST];
    for (int i = 0; i < LARGEST; i++)
        hosts[i] = (struct wire_host){1 + i % 127, 1 + i / 127};
    assert_int_equal(decode(hosts, LARGEST), 0);
    assert_int_equal(answer.count, LARGEST);
    expect_sorted_usable_and_unique();
}

/* As many of 128.0.0.0 and up as a table holds, each three times; then one host more. */
static void g2_answer_is_decoded_whole_or_refused_whole(void **state)
{
    (void)state;
    enum {
        TIMES = 3
    };
    static struct wire_host hosts[TIMES * HOSTS_MAX + 1];
    for (int i = 0; i < TIMES * HOSTS_MAX; i++)
        hosts[i] = (struct wire_host){INT32_MIN + i % HOSTS_MAX, 65535};
    assert_int_equal(decode(hosts, TIMES * HOSTS_MAX), DECODE_OK);
    assert_int_equal(answer.count, HOSTS_MAX);
    expect_sorted_usable_and_unique();
    hosts[TIMES * HOSTS_MAX] = wire_host(1, 80);
    assert_int_equal(decode(hosts, TIMES * HOSTS_MAX + 1), DECODE_TOO_MANY);
    assert_true(route_key_equal(answer.key, route_key(7, 8)));
    for (int i = 0; i < TIMES * HOSTS_MAX; i++)
        hosts[i].ip = INT32_MIN + i;
    assert_int_equal(decode(hosts, TIMES * HOSTS_MAX), DECODE_TOO_MANY);
}

static void start_of_an_answer_names_its_route(void **state)
{
    (void)state;
    const struct wire_host host = wire_host(1, 80);
    const struct route_key keys[] = {{0, 0}, {7, 0}, {0, 8}, {UINT32_MAX, UINT32_MAX - 1}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        uint8_t bytes[FRAME_MAX];
        struct route_key key = route_key(1, 1);
        answer_frame(bytes, keys[i].modid, keys[i].cmdid, &host, 1);
        assert_true(decode_route(bytes + FRAME_HEADER, FRAME_START, &key));
        assert_true(route_key_equal(key, keys[i]));
    }
    struct route_key key;
    assert_false(decode_route((const uint8_t *)"\x08\x07", 2, &key));
    assert_false(decode_route((const uint8_t *)"\x08\xff", 2, &key));
}

/* The smallest host on the wire takes two bytes: many more than HOSTS_MAX, none of them usable. */
static void answer_full_of_empty_hosts_is_refused(void **state)
{
    (void)state;
    static uint8_t body[FRAME_BODY_MAX - 1];
    for (size_t i = 0; i + 1 < sizeof(body); i += 2)
        body[i] = 0x1a;
    assert_int_equal(decode_answer(body, sizeof(body), &answer), DECODE_BAD);
}

static bool generated_code_decodes(const uint8_t *body, size_t size)
{
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, size, body);
    bool good = response != NULL;
    if (response)
        lars__get_route_response__free_unpacked(response, NULL);
    return good;
}

static void garbage_is_refused_or_makes_a_table_in_order(void **state)
{
    (void)state;
    uint8_t body[64];
    srandom(1);
    for (int round = 0; round < GARBAGE_ROUNDS; round++) {
        size_t size = (size_t)random() % (sizeof(body) + 1);
        for (size_t i = 0; i < size; i++)
            body[i] = (uint8_t)random();
        bool decodes = decode_answer(body, size, &answer) == 0;
        if (decodes)
            expect_sorted_usable_and_unique();
        assert_true(!decodes || generated_code_decodes(body, size));
    }
}

/* Unlike garbage, most of these decode. */
static void damaged_answer_is_refused_or_makes_a_table_in_order(void **state)
{
    (void)state;
    static uint8_t bytes[FRAME_MAX];
    const struct wire_host hosts[] = {{5, 80}, {INT32_MIN, 65535}, {6, 1}, {-2, 300}};
    srandom(1);
    for (int round = 0; round < MUTATED_ROUNDS; round++) {
        size_t size = answer_frame(bytes, 7, 8, hosts, 4) - FRAME_HEADER;
        for (long changes = random() % 4; changes >= 0; changes--)
            bytes[FRAME_HEADER + (size_t)random() % size] ^= (uint8_t)(1 << random() % 8);
        size -= (size_t)random() % 3;
        if (decode_answer(bytes + FRAME_HEADER, size, &answer) == 0) {
            expect_sorted_usable_and_unique();
            assert_true(generated_code_decodes(bytes + FRAME_HEADER, size));
        }
    }
}

static struct host_result results[RESULTS_PER_FRAME];

static uint8_t bytes[FRAME_MAX];

/* Encodes, and decodes as any peer does. */
static Lars__ReportStatusRequest *send_report(const struct status_report *report)
{
    struct frame frame;
    size_t used = 0, size = encode_report(report, bytes);
    assert_true(size <= report_frame_max(report->count));
    assert_int_equal(frame_parse(bytes, size, &frame, &used), FRAME_OK);
    assert_int_equal(used, size);
    assert_int_equal(frame.id, MESSAGE_REPORT_STATUS_REQUEST);
    Lars__ReportStatusRequest *message = lars__report_status_request__unpack(NULL, frame.length, frame.body);
    assert_non_null(message);
    assert_int_equal(message->n_results, report->count);
    return message;
}

static struct host_result result(uint32_t ip, uint16_t port, uint32_t succ, uint32_t err, bool overloaded)
{
    return (struct host_result){{htonl(ip), htons(port)}, succ, err, overloaded};
}

static void report_says_what_it_was_made_of(void **state)
{
    (void)state;
    results[0] = result(0x0a000001, 80, 10, 3, false);
    results[1] = result(0xc0a80001, 65535, 0, UINT32_MAX, true);
    const struct status_report report = {route_key(UINT32_MAX, 1U << 31), 0xac100001, 1700000000, results, 2};
    Lars__ReportStatusRequest *message = send_report(&report);
    assert_int_equal(message->modid, -1);
    assert_int_equal(message->cmdid, INT32_MIN);
    assert_true(message->caller == (int32_t)0xac100001);
    assert_int_equal(message->ts, 1700000000);
    const Lars__HostCallResult *first = message->results[0], *second = message->results[1];
    assert_int_equal(first->ip, 0x0a000001);
    assert_int_equal(first->port, 80);
    assert_int_equal(first->succ, 10);
    assert_int_equal(first->err, 3);
    assert_false(first->overload);
    assert_true(second->ip == (int32_t)0xc0a80001);
    assert_int_equal(second->port, 65535);
    assert_int_equal(second->succ, 0);
    assert_int_equal(second->err, UINT32_MAX);
    assert_true(second->overload);
    lars__report_status_request__free_unpacked(message, NULL);
}

static void largest_report_fits_into_a_frame(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < RESULTS_PER_FRAME; i++)
        results[i] = result(UINT32_MAX - i, UINT16_MAX, UINT32_MAX, UINT32_MAX, true);
    const struct status_report report = {route_key(UINT32_MAX, UINT32_MAX - 1), UINT32_MAX, UINT32_MAX,
                                         results, RESULTS_PER_FRAME};
    assert_true(report_frame_max(RESULTS_PER_FRAME) <= FRAME_MAX);
    Lars__ReportStatusRequest *message = send_report(&report);
    for (uint32_t i = 0; i < RESULTS_PER_FRAME; i++)
        assert_true(message->results[i]->ip == (int32_t)(UINT32_MAX - i));
    lars__report_status_request__free_unpacked(message, NULL);
}

static void version_is_taken_where_there_is_one(void **state)
{
    (void)state;
    static const uint8_t without[] = {0x08, 1, 0x10, 2}, zero[] = {0x08, 1, 0x10, 2, 0x20, 0},
                         largest[] = {0x08, 1, 0x10, 2, 0x20, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1},
                         text[] = {0x08, 1, 0x10, 2, 0x22, 1, 'x'};
    assert_int_equal(decode_answer(zero, sizeof(zero), &answer), DECODE_OK);
    assert_true(answer.has_version && answer.version == 0);
    assert_int_equal(decode_answer(largest, sizeof(largest), &answer), DECODE_OK);
    assert_true(answer.has_version && answer.version == UINT64_MAX);
    assert_int_equal(decode_answer(without, sizeof(without), &answer), DECODE_OK);
    assert_false(answer.has_version);
    assert_int_equal(decode_answer(text, sizeof(text), &answer), DECODE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_taken_where_there_is_one),
        cmocka_unit_test(request_names_the_route_and_fits_its_buffer),
        cmocka_unit_test(fields_of_a_key_are_written_where_they_are_zero),
        cmocka_unit_test(hosts_are_sorted_by_address_and_port_as_unsigned_numbers),
        cmocka_unit_test(host_that_is_named_twice_is_there_once),
        cmocka_unit_test(unusable_hosts_are_left_out_and_counted),
        cmocka_unit_test(answer_without_hosts_is_an_answer),
        cmocka_unit_test(answer_whose_hosts_are_all_unusable_is_not_an_empty_one),
        cmocka_unit_test(largest_answer_is_decoded_whole),
        cmocka_unit_test(g2_answer_is_decoded_whole_or_refused_whole),
        cmocka_unit_test(start_of_an_answer_names_its_route),
        cmocka_unit_test(answer_full_of_empty_hosts_is_refused),
        cmocka_unit_test(garbage_is_refused_or_makes_a_table_in_order),
        cmocka_unit_test(damaged_answer_is_refused_or_makes_a_table_in_order),
        cmocka_unit_test(report_says_what_it_was_made_of),
        cmocka_unit_test(largest_report_fits_into_a_frame),
    };
    return cmocka_run_group_tests_name("unit/fetcher/decode", tests, NULL, NULL);
}
