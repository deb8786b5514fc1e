/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dns/fixture.h"
#include "tools/dns/import.h"

static int import_as(struct fixture *fixture, bool replace, const char *text, size_t size,
                     struct store_edit *outcome, char error[static IMPORT_ERROR_SIZE])
{
    FILE *file = fmemopen((void *)text, size, "r");
    assert_non_null(file);
    const struct import_source source = {.file = file, .name = "text", .replace = replace};
    int rc = import_csv(&source, fixture->store, outcome, error);
    fclose(file);
    return rc;
}

static int import(struct fixture *fixture, const char *text, size_t size, struct store_edit *outcome,
                  char error[static IMPORT_ERROR_SIZE])
{
    return import_as(fixture, false, text, size, outcome, error);
}

static void all_lines_are_added_as_one_edit(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "\nMODID,cmdid,ip,port\r\n1,2,10.0.0.1,80\n\n1,2,10.0.0.2,80\r\n"
                               "4294967295,0,255.255.255.254,65535";
    struct store_edit outcome;
    char error[IMPORT_ERROR_SIZE];
    assert_int_equal(import(fixture, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.new_routes, 2);
    assert_int_equal(outcome.added, 3);
    assert_int_equal(outcome.keys, 2);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(DISTINCT version) FROM RouteChange"), 1);
    assert_int_equal(import(fixture, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.added, 0); /* they are there */
    assert_int_equal(outcome.keys, 0);
}

static void a_wrong_line_is_named_and_nothing_is_added(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *line, *reason;
    } wrong[] = {
        {"1,2,10.0.0.1", "a line has the fields modid,cmdid,ip,port or id,modid,cmdid,serverip,serverport"},
        {"1,2,10.0.0.1,80,5",
         "a line has the fields modid,cmdid,ip,port or id,modid,cmdid,serverip,serverport"},
        {"modid,cmdid,ip,port", "modid 'modid' is not"},
        {"-1,2,10.0.0.1,80", "modid '-1' is not"},
        {"1,4294967296,10.0.0.1,80", "cmdid '4294967296' is not"},
        {"1,2,0.0.0.0,80", "ip '0.0.0.0' is not"},
        {"1,2,0,80", "ip '0' is not"},
        {"1,2,4294967296,80", "ip '4294967296' is not"},
        {"1,2,255.255.255.255,80", "is the broadcast address and no host's"},
        {"1,2,4294967295,80", "is the broadcast address and no host's"},
        {"1,2,10.0.0.1,65536", "port '65536' is not"},
        {"4294967295,4294967295,10.0.0.1,80", "reserves this key"},
        {"1,2,10.0.0.1,80,                                                                                 "
         "                                                                                                  "
         "                                                                                                  ",
         "the line is too long"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct store_edit outcome;
        char text[512], error[IMPORT_ERROR_SIZE];
        snprintf(text, sizeof(text), "1,2,10.0.0.1,80\n%s\n", wrong[i].line);
        assert_int_equal(import(fixture, text, strlen(text), &outcome, error), -1);
        assert_ptr_equal(strstr(error, "text:2: "), error);
        if (!strstr(error, wrong[i].reason) || !strstr(error, "nothing was imported"))
            fail_msg("'%s': %s", wrong[i].line, error);
        assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 0);
    }
}

/* Each is route 7 8 with the hosts 10.0.0.1:80 and 200.0.0.1:81. */
static void columns_are_those_of_lars_or_of_the_header_in_any_order_and_addresses_may_be_numbers(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "7,8,10.0.0.1,80\n7,8,3355443201,81\n",
        "1,7,8,167772161,80\n2,7,8,3355443201,81\n",
        "id,modid,cmdid,serverip,serverport\n1,7,8,167772161,80\n2,7,8,200.0.0.1,81\n",
        "ID,ModID,CmdID,ServerIP,ServerPort\r\n1,7,8,167772161,80\r\n2,7,8,3355443201,81\r\n",
        "\xEF\xBB\xBFid,modid,cmdid,serverip,serverport\n1,7,8,167772161,80\n2,7,8,3355443201,81",
        "\xEF\xBB\xBF"
        "7,8,10.0.0.1,80\n7,8,3355443201,81\n",
        "\"id\",\"modid\",\"cmdid\",\"serverip\",\"serverport\"\n\"1\",\"7\",\"8\",\"167772161\",\"80\"\n"
        "\"2\",\"7\",\"8\",\"3355443201\",\"81\"\n",
        "id\tmodid\tcmdid\tserverip\tserverport\n1\t7\t8\t167772161\t80\n2\t7\t8\t3355443201\t81\n",
        "port, ip, cmdid, modid\n80, 10.0.0.1, 8, 7\n81, 3355443201, 8, 7\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct store_edit outcome;
        char error[IMPORT_ERROR_SIZE] = "";
        if (import(fixture, texts[i], strlen(texts[i]), &outcome, error) != 0)
            fail_msg("%s: %s", texts[i], error);
        assert_int_equal(outcome.added, 2);
        assert_int_equal(ask_sql(&fixture->file,
                                 "SELECT count(*) FROM RouteData WHERE modid = 7 AND cmdid = 8"
                                 " AND (serverip, serverport) IN ((167772161, 80), (3355443201, 81))"),
                         2);
        run_sql(&fixture->file, "DELETE FROM RouteData");
    }
}

static void a_header_that_is_not_understood_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *line, *reason;
    } wrong[] = {
        {"modid,cmdid,ip,port,weight", "unknown column 'weight'"},
        {"id,modid,cmdid,serverip,serverport,weight", "unknown column 'weight'"},
        {"modid,cmdid,ip", "the header lacks a column"},
        {"modid,cmdid,ip,ip", "the header lacks a column, or has one twice"},
        {"id,modid,cmdid,ip,port,port", "the header lacks a column, or has one twice"},
        {"modid cmdid ip port", "unknown column 'modid cmdid ip port'"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct store_edit outcome;
        char error[IMPORT_ERROR_SIZE] = "";
        assert_int_equal(import(fixture, wrong[i].line, strlen(wrong[i].line), &outcome, error), -1);
        if (!strstr(error, wrong[i].reason) || !strstr(error, "modid,cmdid,ip,port"))
            fail_msg("'%s': %s", wrong[i].line, error);
    }
}

static void replacing_sets_the_routes_of_the_file_and_leaves_the_others(void **state)
{
    struct fixture *fixture = *state;
    static const char before[] = "1,2,10.0.0.1,80\n1,2,10.0.0.2,80\n1,3,10.0.0.1,80\n9,9,10.0.0.1,80\n";
    static const char text[] =
        "1,2,10.0.0.2,80\n1,3,10.0.0.1,80\n1,2,10.0.0.3,80\n5,5,10.0.0.1,80\n1,2,10.0.0.3,80\n";
    struct store_edit outcome;
    char error[IMPORT_ERROR_SIZE];
    assert_int_equal(import(fixture, before, strlen(before), &outcome, error), 0);
    assert_int_equal(import_as(fixture, true, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.new_routes, 1);
    assert_int_equal(outcome.added, 2);
    assert_int_equal(outcome.deleted, 1);
    assert_int_equal(outcome.keys, 2);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 5);
    assert_int_equal(
        ask_sql(&fixture->file,
                "SELECT count(*) FROM RouteData WHERE (modid, cmdid, serverip) IN ((1, 2, 167772162),"
                " (1, 2, 167772163), (1, 3, 167772161), (5, 5, 167772161), (9, 9, 167772161))"),
        5);
    assert_int_equal(import_as(fixture, true, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.keys, 0);
    static const char broken[] = "1,2,10.0.0.9,80\nx\n";
    assert_int_equal(import_as(fixture, true, broken, strlen(broken), &outcome, error), -1);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData WHERE serverip = 167772169"), 0);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "1,2,10.0.0.1,80\n1,2,10.\0.0.2,80\n";
    struct store_edit outcome;
    char error[IMPORT_ERROR_SIZE];
    assert_int_equal(import(fixture, text, sizeof(text) - 1, &outcome, error), -1);
    assert_non_null(strstr(error, "text:2: the line is too long, or not text"));
    static const char last[] = "1,2,10.0.0.1,80\0junk";
    assert_int_equal(import(fixture, last, sizeof(last) - 1, &outcome, error), -1);
    assert_non_null(strstr(error, "text:1: the line is too long, or not text"));
}

static void a_file_without_rows_is_another_case_than_one_that_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"\n", "modid,cmdid,ip,port\n"};
    struct store_edit outcome;
    char error[IMPORT_ERROR_SIZE];
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(import(fixture, texts[i], strlen(texts[i]), &outcome, error), 1);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteChange"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_lines_are_added_as_one_edit),
        TEST(a_wrong_line_is_named_and_nothing_is_added),
        TEST(columns_are_those_of_lars_or_of_the_header_in_any_order_and_addresses_may_be_numbers),
        TEST(a_header_that_is_not_understood_is_refused),
        TEST(replacing_sets_the_routes_of_the_file_and_leaves_the_others),
        TEST(bytes_that_are_no_text_are_refused),
        TEST(a_file_without_rows_is_another_case_than_one_that_changes_nothing),
    };
    return cmocka_run_group_tests_name("unit/dns/import", tests, NULL, NULL);
}
