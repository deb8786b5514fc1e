/* SPDX-License-Identifier: MIT */
/* Bytes from the directory: cut, split, glued, promised, senseless. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lars.pb-c.h"
#include "tests/support/fixture.h"

enum {
    SEGMENT_ROUTES = 500,
    GARBAGE_ROUNDS = 2000,
    PUSHES = 10000,
};

/* Of the good route, but other hosts. */
static size_t other_answer(uint8_t out[static FRAME_MAX], int port)
{
    const struct wire_host hosts[] = {wire_host(1, port), wire_host(2, port), wire_host(-0x7f000000, port)};
    return answer_frame(out, 7, 7, hosts, 3);
}

static bool serves_other_answer(struct fixture *fixture, int port)
{
    larshm_host hosts[3];
    size_t count = 0;
    return larshm_get_route(fixture->client, 7, 7, hosts, 3, &count) == LARSHM_OK && count == 3 &&
           ntohs(hosts[0].port) == port && ntohs(hosts[1].port) == port && ntohs(hosts[2].port) == port;
}

static void send_body(struct fixture *fixture, int32_t id, const void *body, size_t size)
{
    static uint8_t bytes[FRAME_MAX];
    frame_header(bytes, id, (uint32_t)size);
    if (size)
        memcpy(bytes + FRAME_HEADER, body, size);
    directory_send(&fixture->directory, bytes, FRAME_HEADER + size);
}

/* The answer that comes last is published: nothing before it has upset the connection. */
static void expect_connection_in_order(struct fixture *fixture, int port)
{
    uint8_t bytes[FRAME_MAX];
    directory_send(&fixture->directory, bytes, other_answer(bytes, port));
    eventually(serves_other_answer(fixture, port));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
    assert_true(process_alive(&fixture->fetcher.process));
}

static void answer_cut_off_anywhere_is_not_published(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[FRAME_MAX];
    size_t size = other_answer(bytes, 81);
    fixture->fetcher.config.reconnect_min_ms = 1;
    fixture->fetcher.config.reconnect_max_ms = 3;
    fixture_connect_with_good_route(fixture);
    for (size_t kept = 0; kept < size; kept++) {
        directory_send(&fixture->directory, bytes, kept);
        directory_hang_up(&fixture->directory);
        directory_accept(&fixture->directory);
        directory_send(&fixture->directory, bytes, kept);
        directory_reset(&fixture->directory);
        directory_accept(&fixture->directory);
        assert_true(fixture_serves_good_route(fixture));
    }
    fixture_expect_survival(fixture, COUNTER_disconnects, "trying again");
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_publishes), 1);
    directory_send(&fixture->directory, bytes, size);
    eventually(serves_other_answer(fixture, 81));
}

static void answer_split_anywhere_is_the_same_answer(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[FRAME_MAX];
    fixture_connect_with_good_route(fixture);
    for (size_t cut = 1; cut < other_answer(bytes, 1000); cut++) {
        int port = 1000 + (int)cut;
        size_t size = other_answer(bytes, port);
        directory_send(&fixture->directory, bytes, cut);
        pause_ms(2);
        directory_send(&fixture->directory, bytes + cut, size - cut);
        eventually(serves_other_answer(fixture, port));
    }
    expect_connection_in_order(fixture, 81);
}

static void answer_that_comes_byte_by_byte_is_the_same_answer(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[FRAME_MAX];
    fixture_connect_with_good_route(fixture);
    size_t size = other_answer(bytes, 81);
    for (size_t i = 0; i < size; i++) {
        assert_true(fixture_serves_good_route(fixture));
        directory_send(&fixture->directory, bytes + i, 1);
        pause_ms(1);
    }
    eventually(serves_other_answer(fixture, 81));
}

static void many_answers_in_one_segment_are_all_published(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t bytes[SEGMENT_ROUTES * 64], frame[FRAME_MAX];
    const struct wire_host host = wire_host(1, 80);
    size_t size = 0;
    fixture_connect_with_good_route(fixture);
    for (uint32_t i = 0; i < SEGMENT_ROUTES; i++) {
        size_t one = answer_frame(frame, 1, i, &host, 1);
        memcpy(bytes + size, frame, one);
        size += one;
    }
    directory_send(&fixture->directory, bytes, size);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == SEGMENT_ROUTES + 1);
    for (uint32_t i = 0; i < SEGMENT_ROUTES; i++)
        assert_true(fixture_serves(fixture, 1, i, 1, 80));
}

/* The time counts from its first byte: to send one now and then does not help. */
static void frame_that_is_not_finished_in_time_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    uint8_t header[FRAME_HEADER];
    fixture->fetcher.config.frame_timeout_ms = 200;
    fixture_connect_with_good_route(fixture);
    frame_header(header, LARS__MESSAGE_ID__ID_GetRouteResponse, FRAME_BODY_MAX);
    directory_send(&fixture->directory, header, sizeof(header));
    uint64_t begin = clock_tick();
    while (!directory_ended(&fixture->directory, 20)) {
        assert_true(clock_tick() - begin < EVENTUALLY_MS);
        directory_send(&fixture->directory, "", 1);
    }
    directory_accept(&fixture->directory);
    fixture_expect_survival(fixture, COUNTER_disconnects, "timed out in the middle of a frame");
}

static void negative_length_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t lengths[] = {UINT32_MAX, 0x80000000};
    const size_t count = sizeof(lengths) / sizeof(*lengths);
    fixture_connect_with_good_route(fixture);
    for (size_t i = 0; i < count; i++) {
        uint8_t header[FRAME_HEADER];
        frame_header(header, LARS__MESSAGE_ID__ID_GetRouteResponse, lengths[i]);
        directory_send(&fixture->directory, header, sizeof(header));
        directory_expect_end(&fixture->directory);
        directory_accept(&fixture->directory);
    }
    fixture_expect_survival(fixture, COUNTER_bad_frames, "length is negative");
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_bad_frames), count);
}

static void message_of_another_kind_is_skipped_and_counted_whatever_its_size(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t body[FRAME_BODY_MAX];
    const int32_t ids[] = {INT32_MIN, -1, 0, 1, 3, 4, 5, 6, 7, 8, 9, INT32_MAX};
    const size_t count = sizeof(ids) / sizeof(*ids);
    fixture_connect_with_good_route(fixture);
    for (size_t i = 0; i < count; i++)
        send_body(fixture, ids[i], body, i % 2 ? sizeof(body) : 0);
    fixture_expect_survival(fixture, COUNTER_unknown_messages, "skipping unknown message id");
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_unknown_messages) == count);
    expect_connection_in_order(fixture, 81);
}

static bool decodes(const uint8_t *body, size_t size)
{
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, size, body);
    bool good = response != NULL;
    if (response)
        lars__get_route_response__free_unpacked(response, NULL);
    return good;
}

/* A prefix that ends between two fields is an answer of its own; all others must leave no trace. */
static void truncated_answer_leaves_the_table_alone(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[FRAME_MAX];
    size_t size = other_answer(bytes, 8000) - FRAME_HEADER;
    uint64_t sent = 0;
    fixture_connect_with_good_route(fixture);
    for (size_t kept = 1; kept < size; kept++) {
        if (decodes(bytes + FRAME_HEADER, kept))
            continue;
        send_body(fixture, LARS__MESSAGE_ID__ID_GetRouteResponse, bytes + FRAME_HEADER, kept);
        sent++;
    }
    assert_true(sent > size / 2);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_bad_answers) == sent);
    fixture_expect_survival(fixture, COUNTER_bad_answers, "does not decode");
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_publishes), 1);
    expect_connection_in_order(fixture, 81);
}

static void garbage_leaves_the_table_alone(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body[256];
    uint64_t sent = 0;
    fixture_connect_with_good_route(fixture);
    srandom(1);
    for (int round = 0; round < GARBAGE_ROUNDS; round++) {
        size_t size = (size_t)random() % sizeof(body);
        for (size_t i = 0; i < size; i++)
            body[i] = (uint8_t)random();
        if (decodes(body, size))
            continue;
        send_body(fixture, LARS__MESSAGE_ID__ID_GetRouteResponse, body, size);
        sent++;
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_bad_answers) == sent);
    fixture_expect_survival(fixture, COUNTER_bad_answers, "does not decode");
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_publishes), 1);
    expect_connection_in_order(fixture, 81);
}

static void answer_with_any_bit_flipped_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[FRAME_MAX];
    size_t size = other_answer(bytes, 8000);
    fixture_connect_with_good_route(fixture);
    for (size_t bit = FRAME_HEADER * 8; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        directory_send(&fixture->directory, bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    expect_connection_in_order(fixture, 81);
}

static void fields_of_a_later_protocol_are_ignored(void **state)
{
    struct fixture *fixture = *state;
    /* 1: 7, 2: 7, 3: {1: 10, 2: 80, 3: 100}, 5: "abc", 15: 1 */
    static const uint8_t body[] = "\x08\x07\x10\x07\x1a\x06\x08\x0a\x10\x50\x18\x64\x2a\x03"
                                  "abc\x78\x01";
    larshm_host host = {0};
    fixture_connect_with_good_route(fixture);
    send_body(fixture, LARS__MESSAGE_ID__ID_GetRouteResponse, body, sizeof(body) - 1);
    eventually(fixture_info(fixture, 7, 7).hosts == 1);
    assert_int_equal(larshm_get_host(fixture->client, 7, 7, &host), LARSHM_OK);
    assert_int_equal(ntohl(host.addr), 10);
    assert_int_equal(ntohs(host.port), 80);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_bad_answers), 0);
}

static void high_addresses_are_right(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host wire[] = {{INT32_MIN, 80}, {-2, 80}, {(int32_t)0xc0a80101, 65535}, {1, 1}};
    const uint32_t sorted[] = {1, 0x80000000, 0xc0a80101, 0xfffffffe};
    larshm_host hosts[4];
    size_t count = 0;
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 1, 2, wire, 4);
    eventually(fixture_info(fixture, 1, 2).hosts == 4);
    assert_int_equal(larshm_get_route(fixture->client, 1, 2, hosts, 4, &count), LARSHM_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ntohl(hosts[i].addr), sorted[i]);
    assert_int_equal(ntohs(hosts[2].port), 65535);
}

static void hosts_that_cannot_be_used_are_left_out_and_counted(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host wire[] = {
        {-1, 80},         {0, 80},           wire_host(1, 0),  wire_host(1, 65536),
        wire_host(1, -1), wire_host(1, 900), wire_host(2, 900)};
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 1, 2, wire, 7);
    eventually(fixture_serves(fixture, 1, 2, 2, 900));
    fixture_expect_survival(fixture, COUNTER_unusable_hosts, "5 hosts dropped");
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_unusable_hosts), 5);
}

static void answer_with_no_host_that_can_be_used_leaves_the_table_alone(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host wire[] = {{-1, 80}, {0, 80}, wire_host(1, 0)};
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 7, 7, wire, 3);
    fixture_expect_survival(fixture, COUNTER_bad_answers, "no usable host");
    assert_int_equal(fixture_info(fixture, 7, 7).hosts, 4);
}

static void push_many(struct fixture *fixture, int last_port)
{
    uint8_t bytes[FRAME_MAX];
    for (int port = last_port - PUSHES + 1; port <= last_port; port++)
        directory_send(&fixture->directory, bytes, other_answer(bytes, port));
    eventually(serves_other_answer(fixture, last_port));
}

static void ten_thousand_pushes_leave_the_newest_table_and_no_memory(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    push_many(fixture, 1 + PUSHES);
    long before = process_memory(&fixture->fetcher.process);
    push_many(fixture, 1 + 2 * PUSHES);
    push_many(fixture, 1 + 3 * PUSHES);
    assert_in_range(process_memory(&fixture->fetcher.process), 1, before + 16 * 1024);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pushes), 3 * PUSHES);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_refused_full), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(answer_cut_off_anywhere_is_not_published),
        fixture_test(answer_split_anywhere_is_the_same_answer),
        fixture_test(answer_that_comes_byte_by_byte_is_the_same_answer),
        fixture_test(many_answers_in_one_segment_are_all_published),
        fixture_test(frame_that_is_not_finished_in_time_ends_the_connection),
        fixture_test(negative_length_ends_the_connection),
        fixture_test(message_of_another_kind_is_skipped_and_counted_whatever_its_size),
        fixture_test(truncated_answer_leaves_the_table_alone),
        fixture_test(garbage_leaves_the_table_alone),
        fixture_test(answer_with_any_bit_flipped_does_no_harm),
        fixture_test(fields_of_a_later_protocol_are_ignored),
        fixture_test(high_addresses_are_right),
        fixture_test(hosts_that_cannot_be_used_are_left_out_and_counted),
        fixture_test(answer_with_no_host_that_can_be_used_leaves_the_table_alone),
        fixture_test(ten_thousand_pushes_leave_the_newest_table_and_no_memory),
    };
    return cmocka_run_group_tests_name("integration/stream", tests, NULL, NULL);
}
