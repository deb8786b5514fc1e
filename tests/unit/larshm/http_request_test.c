/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/http_request.h"

/* In a block of exactly its size, so that a sanitizer sees every step outside. */
static enum http_status parse(const char *head, size_t length, struct http_request *out)
{
    char *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, head, length);
    enum http_status status = http_request_parse(copy, length, out);
    free(copy);
    return status;
}

static void assert_path(const char *head, const char *path, bool head_only)
{
    struct http_request request;
    assert_int_equal(parse(head, strlen(head), &request), HTTP_OK);
    assert_string_equal(request.path, path);
    assert_int_equal(request.head_only, head_only);
}

static void a_request_is_its_path_without_the_query(void **state)
{
    (void)state;
    assert_path("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "/metrics", false);
    assert_path("HEAD /?a=/b HTTP/1.0\n\n", "/", true);
    assert_path("GET http://10.0.0.1:9778/metrics?x HTTP/1.1\r\n\r\n", "/metrics", false);
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *head;
        enum http_status status;
    } refused[] = {
        {"", HTTP_BAD_REQUEST},
        {"\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET /\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET / \r\n\r\n", HTTP_BAD_REQUEST},
        {"GET  / HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET / HTTP/1.1 x\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET / HTTP/11.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET metrics HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET http://x HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET ?x HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET /\x01 HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET /\xff HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"\x16\x03\x01 / HTTP/1.1\r\n\r\n", HTTP_BAD_REQUEST},
        {"GET / HTTP/2.0\r\n\r\n", HTTP_VERSION_NOT_SUPPORTED},
        {"PRI * HTTP/2.0\r\n\r\n", HTTP_VERSION_NOT_SUPPORTED},
        {"POST /metrics HTTP/1.1\r\n\r\n", HTTP_METHOD_NOT_ALLOWED},
        {"get / HTTP/1.1\r\n\r\n", HTTP_METHOD_NOT_ALLOWED},
        {"GETTER / HTTP/1.1\r\n\r\n", HTTP_METHOD_NOT_ALLOWED},
    };
    struct http_request request;
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_int_equal(parse(refused[i].head, strlen(refused[i].head), &request), refused[i].status);
    assert_int_equal(parse("GET /\0 HTTP/1.1\r\n\r\n", 19, &request), HTTP_BAD_REQUEST);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    char head[HTTP_PATH_SIZE + 64] = "GET /";
    struct http_request request;
    (void)state;
    memset(head + 5, 'x', HTTP_PATH_SIZE - 2);
    strcpy(head + 5 + HTTP_PATH_SIZE - 2, " HTTP/1.1\r\n\r\n");
    assert_int_equal(parse(head, strlen(head), &request), HTTP_OK);
    assert_int_equal(strlen(request.path), HTTP_PATH_SIZE - 1);
    memset(head + 5, 'x', HTTP_PATH_SIZE - 1);
    strcpy(head + 5 + HTTP_PATH_SIZE - 1, " HTTP/1.1\r\n\r\n");
    assert_int_equal(parse(head, strlen(head), &request), HTTP_URI_TOO_LONG);
}

static void a_head_ends_with_an_empty_line(void **state)
{
    (void)state;
    assert_true(http_head_ended("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27));
    assert_true(http_head_ended("GET / HTTP/1.1\n\nmore", 20));
    assert_false(http_head_ended("GET / HTTP/1.1\r\nHost: x\r\n\r", 26));
    assert_false(http_head_ended("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_its_path_without_the_query),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(a_head_ends_with_an_empty_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
