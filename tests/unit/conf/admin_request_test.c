/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/admin_request.h"

#define ROUTE "{\"version\":1,\"command\":\"drain\",\"modid\":1,\"cmdid\":4294967294"

static bool parse(const char *line, struct admin_request *out, struct admin_error *error)
{
    return admin_request_parse(line, strlen(line), out, error);
}

static void request_names_a_command_a_route_and_a_host(void **state)
{
    struct admin_request request;
    struct admin_error error;
    (void)state;
    assert_true(parse(ROUTE ",\"host\":\"10.0.0.1:65535\"}", &request, &error));
    assert_string_equal(request.command, "drain");
    assert_true(request.has_route && request.has_host);
    assert_true(request.modid == 1 && request.cmdid == UINT32_C(4294967294));
    assert_int_equal(request.host.sin_addr.s_addr, htonl(0x0a000001));
    assert_int_equal(request.host.sin_port, htons(65535));
    assert_true(parse(ROUTE "}", &request, &error));
    assert_true(request.has_route && !request.has_host);
    assert_true(parse(" {\"command\":\"reload\",\"version\":1}\r", &request, &error));
    assert_false(request.has_route || request.has_host);
}

static void what_is_wrong_with_a_request_is_told_by_code_and_in_printable_text(void **state)
{
    static const struct {
        const char *line, *code, *text;
    } wrong[] = {
        {"", "bad_json", "byte 0"},
        {"{\"version\":1,\"command\":\"reload\"} x", "bad_json", "byte"},
        {"{\"version\":1,\"version\":1,\"command\":\"reload\"}", "bad_json", "duplicate"},
        {"{\"version\":1,\"command\":\"a\\u0000b\"}", "bad_json", ""},
        {"7", "bad_json", ""},
        {"[1]", "bad_request", "object"},
        {"{\"version\":1}", "bad_request", "command"},
        {"{\"version\":4294967297,\"command\":\"reload\"}", "bad_version", "4294967297"},
        {"{\"version\":1.0,\"command\":\"reload\"}", "bad_request", "integer"},
        {"{\"version\":1,\"command\":\"reload\",\"hots\":1}", "bad_request", "hots"},
        {"{\"version\":1,\"command\":\"reload\",\"\xc3\xa4\":1}", "bad_request", "??"},
        {"{\"version\":1,\"command\":\"drain\",\"modid\":1}", "bad_request", "modid and cmdid"},
        {"{\"version\":1,\"command\":\"drain\",\"modid\":-1,\"cmdid\":1}", "bad_request", "modid and cmdid"},
        {"{\"version\":1,\"command\":\"drain\",\"modid\":1,\"cmdid\":4294967296}", "bad_request",
         "4294967295"},
        {"{\"version\":1,\"command\":\"drain\",\"host\":\"10.0.0.1:80\"}", "bad_request", "of a route"},
        {"{\"version\":1,\"command\":\"a command that is as long as no other one\"}", "unknown_command", ""},
    };
    struct admin_request request;
    struct admin_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (parse(wrong[i].line, &request, &error))
            fail_msg("%s was accepted", wrong[i].line);
        assert_string_equal(error.code, wrong[i].code);
        if (!strstr(error.text, wrong[i].text))
            fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i].line, error.text, wrong[i].text);
        for (const char *c = error.text; *c; c++)
            assert_in_range(*c, ' ', '~');
    }
}

static void host_is_an_address_that_can_be_called(void **state)
{
    static const char *const hosts[] = {"",
                                        ":",
                                        "10.0.0.1",
                                        "10.0.0.1:",
                                        ":80",
                                        "10.0.0.1:0",
                                        "10.0.0.1:65536",
                                        "10.0.0.1:+8",
                                        "10.0.0.1:8 ",
                                        "10.0.0.1:80:80",
                                        "0.0.0.0:80",
                                        "10.0.0:80",
                                        "10.0.0.256:80",
                                        "host:80",
                                        "111.111.111.1111:80",
                                        "10.0.0.1:4294967376"};
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        struct admin_request request;
        struct admin_error error;
        char line[256];
        snprintf(line, sizeof(line), ROUTE ",\"host\":\"%s\"}", hosts[i]);
        if (parse(line, &request, &error))
            fail_msg("%s was accepted", hosts[i]);
        assert_string_equal(error.code, "bad_request");
        assert_non_null(strstr(error.text, "IP:PORT"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_names_a_command_a_route_and_a_host),
        cmocka_unit_test(what_is_wrong_with_a_request_is_told_by_code_and_in_printable_text),
        cmocka_unit_test(host_is_an_address_that_can_be_called),
    };
    return cmocka_run_group_tests_name("unit/conf/admin_request", tests, NULL, NULL);
}
