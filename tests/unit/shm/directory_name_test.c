/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "shm/directory_name.h"

enum {
    CHANGES = 200000
};

static struct routes_header header;

static int clear_header(void **state)
{
    (void)state;
    memset(&header, 0, sizeof(header));
    return 0;
}

static void expect(const char *name)
{
    char read[DIRECTORY_NAME];
    memset(read, 'x', sizeof(read));
    directory_name_read(&header, read);
    assert_string_equal(read, name);
}

static void last_name_is_read(void **state)
{
    (void)state;
    expect("");
    directory_name_write(&header, "dns-a.example:7778 (10.0.0.1)");
    expect("dns-a.example:7778 (10.0.0.1)");
    directory_name_write(&header, "b:1");
    expect("b:1");
    directory_name_write(&header, "");
    expect("");
}

static void name_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char name[DIRECTORY_NAME + 10] = "";
    memset(name, 'n', sizeof(name) - 1);
    directory_name_write(&header, name);
    name[DIRECTORY_NAME - 1] = '\0';
    expect(name);
}

/* A damaged object may have any bytes there. */
static void name_without_an_end_gets_one(void **state)
{
    (void)state;
    char name[DIRECTORY_NAME];
    memset(header.directory_even, 'n', sizeof(header.directory_even));
    memset(name, 'n', sizeof(name));
    name[DIRECTORY_NAME - 1] = '\0';
    expect(name);
}

static void *change_names(void *context)
{
    (void)context;
    for (int i = 0; i < CHANGES; i++) {
        char name[DIRECTORY_NAME] = "";
        memset(name, 'a' + i % 26, 20 + (size_t)i % 100);
        directory_name_write(&header, name);
    }
    return NULL;
}

static void no_name_is_a_mix_of_two(void **state)
{
    (void)state;
    pthread_t writer;
    char name[DIRECTORY_NAME] = "";
    size_t length = 0;
    assert_int_equal(pthread_create(&writer, NULL, change_names, NULL), 0);
    while (load_relaxed(&header.directory_changes) < CHANGES) {
        directory_name_read(&header, name);
        length = strlen(name);
        for (size_t i = 1; i < length; i++)
            assert_int_equal(name[i], name[0]);
    }
    pthread_join(writer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(last_name_is_read, clear_header),
        cmocka_unit_test_setup(name_that_is_too_long_is_cut, clear_header),
        cmocka_unit_test_setup(name_without_an_end_gets_one, clear_header),
        cmocka_unit_test_setup(no_name_is_a_mix_of_two, clear_header),
    };
    return cmocka_run_group_tests_name("unit/shm/directory_name", tests, NULL, NULL);
}
