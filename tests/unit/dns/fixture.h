/* SPDX-License-Identifier: MIT */
/* An empty database of routes, and its store. */
#ifndef TESTS_UNIT_DNS_FIXTURE_H
#define TESTS_UNIT_DNS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/database_file.h"
#include "tools/dns/store.h"

struct fixture {
    struct database_file file;
    struct store *store;
};

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    database_file_dispose(&fixture->file);
    free(fixture);
    return 0;
}

#endif
