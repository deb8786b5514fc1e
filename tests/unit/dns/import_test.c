/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/database_file.h"
#include "tools/dns/import.h"

struct fixture {
    struct database_file file;
    struct store *store;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char error[STORE_ERROR_SIZE];
    assert_non_null(fixture);
    database_file_init(&fixture->file);
    assert_int_equal(store_open(&fixture->store, fixture->file.path, STORE_CREATE, error), 0);
    database_file_open(&fixture->file);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    database_file_dispose(&fixture->file);
    free(fixture);
    return 0;
}

static int import(struct fixture *fixture, const char *text, size_t size, struct import_outcome *outcome,
                  char error[static IMPORT_ERROR_SIZE])
{
    FILE *file = fmemopen((void *)text, size, "r");
    assert_non_null(file);
    const struct import_source source = {.file = file, .name = "text"};
    int rc = import_csv(&source, fixture->store, outcome, error);
    fclose(file);
    return rc;
}

static void all_lines_are_added_as_one_edit(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "\nMODID,cmdid,ip,port\r\n1,2,10.0.0.1,80\n\n1,2,10.0.0.2,80\r\n"
                               "4294967295,0,255.255.255.255,65535";
    struct import_outcome outcome;
    char error[IMPORT_ERROR_SIZE];
    assert_int_equal(import(fixture, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.added.routes, 2);
    assert_int_equal(outcome.added.hosts, 3);
    assert_int_equal(outcome.edit.keys, 2);
    assert_int_equal(ask_sql(&fixture->file, "SELECT count(DISTINCT version) FROM RouteChange"), 1);
    assert_int_equal(import(fixture, text, strlen(text), &outcome, error), 0);
    assert_int_equal(outcome.added.hosts, 0); /* they are there */
    assert_int_equal(outcome.edit.keys, 0);
}

static void a_wrong_line_is_named_and_nothing_is_added(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *line, *reason;
    } wrong[] = {
        {"1,2,10.0.0.1", "a line has four fields, modid,cmdid,ip,port"},
        {"1,2,10.0.0.1,80,5", "a line has four fields, modid,cmdid,ip,port"},
        {"modid,cmdid,ip,port", "modid 'modid' is not"},
        {"-1,2,10.0.0.1,80", "modid '-1' is not"},
        {"1,4294967296,10.0.0.1,80", "cmdid '4294967296' is not"},
        {"1,2,0.0.0.0,80", "ip '0.0.0.0' is not"},
        {"1,2,10.0.0.1,65536", "port '65536' is not"},
        {"4294967295,4294967295,10.0.0.1,80", "reserves this key"},
        {"11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111",
         "the line is too long"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct import_outcome outcome;
        char text[512], error[IMPORT_ERROR_SIZE];
        snprintf(text, sizeof(text), "1,2,10.0.0.1,80\n%s\n", wrong[i].line);
        assert_int_equal(import(fixture, text, strlen(text), &outcome, error), -1);
        assert_ptr_equal(strstr(error, "text:2: "), error);
        if (!strstr(error, wrong[i].reason) || !strstr(error, "nothing was imported"))
            fail_msg("'%s': %s", wrong[i].line, error);
        assert_int_equal(ask_sql(&fixture->file, "SELECT count(*) FROM RouteData"), 0);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "1,2,10.0.0.1,80\n1,2,10.\0.0.2,80\n";
    struct import_outcome outcome;
    char error[IMPORT_ERROR_SIZE];
    assert_int_equal(import(fixture, text, sizeof(text) - 1, &outcome, error), -1);
    assert_non_null(strstr(error, "text:2: the line is too long, or not text"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_lines_are_added_as_one_edit),
        TEST(a_wrong_line_is_named_and_nothing_is_added),
        TEST(bytes_that_are_no_text_are_refused),
    };
    return cmocka_run_group_tests_name("unit/dns/import", tests, NULL, NULL);
}
